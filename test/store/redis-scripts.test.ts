import { readdirSync } from 'node:fs';
import { type Processor, Queue, UnrecoverableError, Worker, type WorkerOptions } from 'bullmq';
import { Redis } from 'ioredis';
import { beforeEach, describe, expect, inject, it, onTestFinished } from 'vitest';
import { withDeadline } from '../../src/core/deadline.ts';
import { JobError } from '../../src/core/job-error.ts';
import { newJobId } from '../../src/core/job-id.ts';
import type { Job } from '../../src/core/job.ts';
import { type AdditionOptions, CANCELED, toAddition } from '../../src/queue/job-record.ts';
import { SCRIPTS } from '../../src/queue/redis/scripts.ts';
import { poll } from '../support/follow.ts';
import { scripted, setUpQueue, signal } from '../support/queue.ts';

const CALLER = 'somebody';
const QUEUE = '{plain}';
const OURS = `accepted:${QUEUE}:`;
const BULLMQS = `bullmq:${QUEUE}:`;
/** Fields of jobs and events that differ from one run to another. */
const OWN_VALUES = new Set(['processedOn', 'finishedOn', 'stacktrace', 'failedReason', 'delay']);

describe('what our scripts leave in Redis is what BullMQ’s own leave', () => {
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
      // The index of lists, the counts and what says that there are priorities are ours alone, its ids are not counted, BullMQ's marker wakes up workers for nothing, and both queues were made by BullMQ.
      if (/^(index:|ends:|canceled:|priorities$|id$|marker$|meta$|stalled-check$)/.test(name)) continue;
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
  async function addToBoth(options: AdditionOptions = {}): Promise<{ ours: Job; queue: Queue }> {
    const queue = openQueue('bullmq');
    const createdAt = new Date();
    const id = newJobId('plain');
    const job = { id, type: 'plain', caller: CALLER, createdAt, maxAttempts: 3, requestId: 'test' };
    const input = { text: 'text' };
    const backendQueue = test.backend.createQueue('plain');
    onTestFinished(() => backendQueue.close());
    await backendQueue.add([toAddition({ ...job, input }, options)], performance.now() + 5000);
    await queue.add(
      CALLER,
      { input, requestId: 'test' },
      {
        jobId: id,
        timestamp: createdAt.getTime(),
        attempts: 3,
        backoff: { type: 'custom' },
        stackTraceLimit: 20,
        ...(options.priority && { priority: options.priority }),
        ...(options.delayMs && { delay: options.delayMs }),
      },
    );
    // BullMQ keeps these among the options too.
    const key = BULLMQS + id;
    const { jobId: _jobId, timestamp: _timestamp, ...kept } = JSON.parse((await redis.hget(key, 'opts')) ?? '{}');
    await redis.hset(key, 'opts', JSON.stringify(kept));
    const ours = await test.queue.read(id, 'plain');
    if (ours === undefined) throw new Error('not added');
    return { ours, queue };
  }

  const workBullmqs = (run: Processor, options: Partial<WorkerOptions> = {}): Worker => {
    const connection = { url: test.url ?? '', maxRetriesPerRequest: null };
    const worker = new Worker(QUEUE, run, { ...options, connection, prefix: 'bullmq' });
    onTestFinished(() => worker.close());
    return worker;
  };

  const expectSame = async (): Promise<void> => expect(await contents(OURS)).toEqual(await contents(BULLMQS));

  /** Both queues with a failed job, and no workers. */
  async function failInBoth(options: AdditionOptions = {}): Promise<{ ours: Job; queue: Queue }> {
    const added = await addToBoth(options);
    plain.runs(async () => {
      throw new JobError('FAILED', 'The job failed on purpose.', { retry: false });
    });
    const worker = workBullmqs(() => Promise.reject(new UnrecoverableError('on purpose')));
    const workers = test.startWorkers();
    await test.finish(added.ours);
    await poll(
      () => redis.zcard(`${BULLMQS}failed`),
      (failed) => failed === 1,
    );
    await Promise.all([workers.close(5000), worker.close()]);
    return added;
  }

  it.each([
    ['standard', {}],
    ['prioritized', { priority: 7 }],
    ['delayed', { delayMs: 3_600_000 }],
    ['delayed and prioritized', { delayMs: 3_600_000, priority: 7 }],
  ])('when it adds a %s job, and wakes a worker', async (_, options) => {
    await addToBoth(options);
    await expectSame();
    expect(await redis.zrange(`${OURS}marker`, '0', '-1', 'WITHSCORES')).toEqual(
      await redis.zrange(`${BULLMQS}marker`, '0', '-1', 'WITHSCORES'),
    );
  });

  it('when it adds jobs whose delays end in the same millisecond', async () => {
    const queue = test.backend.createQueue('plain');
    onTestFinished(() => queue.close());
    const createdAt = new Date();
    const ids = [newJobId('plain'), newJobId('plain'), newJobId('plain')];
    const jobs = ids.map((id) => ({ id, type: 'plain', caller: CALLER, createdAt, maxAttempts: 1, requestId: 'test' }));
    const additions = jobs.map((job) => toAddition({ ...job, input: {} }, { delayMs: 1000 }));
    await queue.add(additions, performance.now() + 5000);
    expect(await redis.zrange(`${OURS}delayed`, '0', '-1')).toEqual(ids);
  });

  it('when a job is added, runs and succeeds', async () => {
    const { ours, queue } = await addToBoth();
    const runs = { ours: signal(), bullmqs: signal() };
    const release = signal();
    plain.runs(async ({ text }) => {
      runs.ours.reach();
      await release.reached;
      return { text };
    });
    const worker = workBullmqs(async () => {
      runs.bullmqs.reach();
      await release.reached;
      return { text: 'text' };
    });
    const completed = new Promise((resolve) => worker.once('completed', resolve));
    test.work();
    await Promise.all([runs.ours.reached, runs.bullmqs.reached]);
    await expectSame();
    release.reach();
    await Promise.all([test.finish(ours), completed]);
    await expectSame();
    expect(await queue.getJob(ours.id)).toMatchObject({ returnvalue: { text: 'text' } });
    expect(await openQueue('accepted').getJob(ours.id)).toMatchObject({ returnvalue: { text: 'text' } });
  });

  it('when a job fails again and again', async () => {
    const { ours } = await addToBoth();
    plain.runs(async () => {
      throw new JobError('FAILED', 'The job failed on purpose.');
    });
    workBullmqs(() => Promise.reject(new Error('on purpose')), { settings: { backoffStrategy: () => 10 } });
    test.work();
    await test.finish(ours);
    await poll(
      () => redis.zcard(`${BULLMQS}failed`),
      (failed) => failed === 1,
    );
    expect(await contents(OURS)).toEqual(await contents(BULLMQS));
  });

  it.each<[string, AdditionOptions]>([
    ['standard', {}],
    ['prioritized', { priority: 7 }],
  ])('when it retries a %s job, but for the attempts and the time of its change', async (_, options) => {
    const { ours, queue } = await failInBoth(options);
    await test.queue.retry(ours, 3);
    await (await queue.getJob(ours.id))?.retry('failed');
    if (options.priority !== undefined && (await queue.getJobState(ours.id)) === 'waiting') {
      // Early versions of BullMQ 6 forget the priority of a job that is retried.
      expect(await openQueue('accepted').getJobState(ours.id)).toBe('prioritized');
      return;
    }
    // Ours keeps when the job first started, gives it more attempts, and records when it was retried.
    await redis.hdel(OURS + ours.id, 'processedOn', 'progress');
    for (const prefix of [OURS, BULLMQS]) await redis.hdel(prefix + ours.id, 'opts');
    await expectSame();
    expect(await redis.zcard(`${OURS}marker`)).toBe(await redis.zcard(`${BULLMQS}marker`));
  });

  it('when it removes finished jobs, but for the events that it removes too', async () => {
    const { queue } = await failInBoth();
    expect(await test.backend.removeFinished('plain', Date.now())).toBe(1);
    await queue.clean(0, 10, 'failed');
    await redis.del(`${OURS}events`, `${BULLMQS}events`);
    await expectSame();
    expect(await redis.keys(`${OURS}index:*`)).toEqual([]);
  });

  it('when it cancels a job: BullMQ reads one that failed, of any state that waits', async () => {
    const queue = openQueue('accepted');
    for (const options of [{}, { priority: 7 }, { delayMs: 3_600_000 }]) {
      const { ours } = await addToBoth(options);
      await test.queue.cancel(ours);
      const job = await queue.getJob(ours.id);
      expect(await job?.getState()).toBe('failed');
      expect(job).toMatchObject({ failedReason: CANCELED, finishedOn: expect.any(Number) });
    }
    expect(await queue.getJobCounts('waiting', 'prioritized', 'delayed', 'failed')).toEqual({
      waiting: 0,
      prioritized: 0,
      delayed: 0,
      failed: 3,
    });
  });

  it('a job that one worker leaves wakes another before that looks by itself', async () => {
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

it('each script of the folder stands in a file that is loaded and that Redis compiles', async () => {
  const url = inject('redisUrl');
  const redis = new Redis(url);
  onTestFinished(() => redis.disconnect());
  const files = readdirSync(new URL('../../src/queue/redis/lua/', import.meta.url)).filter(
    (name) => name !== 'common.lua',
  );
  expect(Object.keys(SCRIPTS).map(toFileName).toSorted()).toEqual(files.toSorted());
  for (const { lua, sha } of Object.values(SCRIPTS)) expect(await redis.script('LOAD', lua)).toBe(sha);
});

const toFileName = (name: string): string => `${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}.lua`;
