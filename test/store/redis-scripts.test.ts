import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { withDeadline } from '../../src/core/deadline.ts';
import { JobError } from '../../src/core/job-error.ts';
import type { Job } from '../../src/core/job.ts';
import { poll } from '../support/follow.ts';
import { scripted, setUpQueue, signal } from '../support/queue.ts';

const CALLER = 'somebody';
const QUEUE = '{plain}';
const OURS = `accepted:${QUEUE}:`;
const BULLMQS = `bullmq:${QUEUE}:`;
/** Fields of jobs and events that differ from one run to another. */
const OWN_VALUES = new Set(['processedOn', 'finishedOn', 'stacktrace', 'failedReason', 'delay']);

describe('on Redis', () => {
  const plain = scripted('plain');
  /** One job at a time. */
  const single = scripted('single', { concurrency: 1 });
  const test = setUpQueue('redis', [plain, single]);
  let redis: Redis;

  beforeEach(async () => {
    redis = new Redis(test.url ?? '');
    onTestFinished(() => redis.disconnect());
    await redis.flushdb();
  });

  /** Connections of workers that wait for a job. */
  const blocked = async (): Promise<number> =>
    String(await redis.client('LIST'))
      .split('\n')
      .filter((client) => /\bcmd=bzpopmin\b/.test(client)).length;

  const openQueue = (prefix: string): Queue => {
    const queue = new Queue(QUEUE, { connection: { url: test.url ?? '' }, prefix });
    onTestFinished(() => queue.close());
    return queue;
  };

  /** All that a queue has, but for times and locks' tokens. */
  async function contents(prefix: string): Promise<Record<string, unknown>> {
    const found: Record<string, unknown> = {};
    for (const key of (await redis.keys(`${prefix}*`)).toSorted()) {
      const name = key.slice(prefix.length);
      // The index of lists is ours alone, its ids are not counted, BullMQ's marker wakes up workers for nothing, and both queues were made by BullMQ.
      if (/^(index:|id$|marker$|meta$|stalled-check$)/.test(name)) continue;
      found[name] = await valueOf(key);
    }
    return found;
  }

  async function valueOf(key: string): Promise<unknown> {
    switch (await redis.type(key)) {
      case 'hash':
        return Object.fromEntries(Object.entries(await redis.hgetall(key)).map(toComparable));
      case 'list':
        return redis.lrange(key, 0, -1);
      case 'zset':
        return redis.zrange(key, '0', '-1');
      case 'stream':
        return (await redis.xrange(key, '-', '+')).map(([, fields]) => toEvent(fields));
      default:
        return '...';
    }
  }

  const toComparable = ([field, value]: [string, string]): [string, unknown] => [
    field,
    field === 'opts' ? JSON.parse(value) : OWN_VALUES.has(field) ? '...' : value,
  ];

  /** @param fields each with its value behind it */
  const toEvent = (fields: readonly string[]): readonly string[] =>
    fields.map((each, at) => (at % 2 === 1 && OWN_VALUES.has(fields[at - 1] ?? '') ? '...' : each));

  /** The same job in both queues. */
  async function addToBoth(): Promise<{ ours: Job; queue: Queue }> {
    const queue = openQueue('bullmq');
    const ours = await test.add(plain, 'text', { caller: CALLER });
    const { data = '{}', timestamp } = await redis.hgetall(OURS + ours.id);
    await queue.add(CALLER, JSON.parse(data), {
      jobId: ours.id,
      timestamp: Number(timestamp),
      attempts: ours.maxAttempts,
      backoff: { type: 'custom' },
      stackTraceLimit: 20,
    });
    // It keeps these among the options too.
    const job = BULLMQS + ours.id;
    const { jobId: _jobId, timestamp: _timestamp, ...options } = JSON.parse((await redis.hget(job, 'opts')) ?? '{}');
    await redis.hset(job, 'opts', JSON.stringify(options));
    return { ours, queue };
  }

  it('a job that is added, runs and succeeds leaves what BullMQ’s own scripts leave', async () => {
    const { ours, queue } = await addToBoth();
    expect(await contents(OURS)).toEqual(await contents(BULLMQS));

    const runs = { ours: signal(), bullmqs: signal() };
    const release = signal();
    plain.runs(async ({ text }) => {
      runs.ours.reach();
      await release.reached;
      return { text };
    });
    const run = async (): Promise<unknown> => {
      runs.bullmqs.reach();
      await release.reached;
      return { text: 'text' };
    };
    const worker = new Worker(QUEUE, run, {
      connection: { url: test.url ?? '', maxRetriesPerRequest: null },
      prefix: 'bullmq',
    });
    onTestFinished(() => worker.close());
    const completed = new Promise((resolve) => worker.once('completed', resolve));
    test.work();
    await Promise.all([runs.ours.reached, runs.bullmqs.reached]);
    expect(await contents(OURS)).toEqual(await contents(BULLMQS));

    release.reach();
    await Promise.all([test.finish(ours), completed]);
    expect(await contents(OURS)).toEqual(await contents(BULLMQS));
    expect(await queue.getJob(ours.id)).toMatchObject({ returnvalue: { text: 'text' } });
  });

  it('a job that fails again and again leaves what BullMQ’s own scripts leave', async () => {
    const { ours } = await addToBoth();
    plain.runs(async () => {
      throw new JobError('FAILED', 'As told.');
    });
    const worker = new Worker(QUEUE, () => Promise.reject(new Error('as told')), {
      connection: { url: test.url ?? '', maxRetriesPerRequest: null },
      prefix: 'bullmq',
      settings: { backoffStrategy: () => 10 },
    });
    onTestFinished(() => worker.close());
    test.work();
    await test.finish(ours);
    await poll(
      () => redis.zcard(`${BULLMQS}failed`),
      (failed) => failed === 1,
    );
    expect(await contents(OURS)).toEqual(await contents(BULLMQS));
  });

  it('a job that one worker leaves wakes up another before it looks by itself', async () => {
    const both = signal();
    let running = 0;
    single.runs(async ({ text }) => {
      running += 1;
      if (running === 2) both.reach();
      await both.reached;
      return { text };
    });
    for (const side of [test, await test.otherSide()]) test.work(side);
    // Both have looked at both queues.
    await poll(blocked, (connections) => connections === 4);
    const jobs = await Promise.all([test.add(single), test.add(single)]);
    await expect(withDeadline(both.reached, 3000)).resolves.toBeUndefined();
    await Promise.all(jobs.map(test.finish));
  });
});
