import { FlowProducer, type Job as BullmqJob, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { newJobId } from '../../src/core/job-id.ts';
import type { Job } from '../../src/core/job.ts';
import { toAddition } from '../../src/queue/job-record.ts';
import type { BackendWorkerOptions, JobProcessor } from '../../src/queue/backend.ts';
import { poll } from '../support/follow.ts';
import { scripted, setUpQueue, signal } from '../support/queue.ts';

const CALLER = 'somebody';
const QUEUE = '{plain}';
const HOUR_MS = 3_600_000;

describe('on Redis, BullMQ offers for our queues', () => {
  const plain = scripted('plain');
  const test = setUpQueue('redis', [plain]);
  let queue: Queue;
  let redis: Redis;
  /** Texts of the jobs that ran, in their order. */
  const ran: string[] = [];

  beforeEach(async () => {
    redis = new Redis(test.url ?? '', { maxRetriesPerRequest: null });
    await redis.flushdb();
    queue = new Queue(QUEUE, { connection: redis, prefix: 'accepted' });
    onTestFinished(async () => {
      await queue.close();
      redis.disconnect();
    });
    ran.length = 0;
    plain.runs(async ({ text }) => {
      ran.push(text);
      return { text };
    });
  });

  async function add(text: string, options: { priority?: number; delayMs?: number } = {}): Promise<Job> {
    const job = { id: newJobId('plain'), type: 'plain', caller: CALLER, createdAt: new Date(), maxAttempts: 3 };
    const backendQueue = test.backend.createQueue('plain');
    onTestFinished(() => backendQueue.close());
    const addition = toAddition({ ...job, input: { text }, requestId: 'test' }, options);
    await backendQueue.add([addition], performance.now() + 5000);
    const added = await test.queue.read(job.id, 'plain');
    if (added === undefined) throw new Error('not added');
    return added;
  }
  const addAll = (...texts: string[]): Promise<Job[]> => Promise.all(texts.map((text) => test.add(plain, text)));
  const finishAll = (jobs: readonly Job[]): Promise<unknown> => Promise.all(jobs.map(test.finish));
  const stateOf = async ({ id }: Job): Promise<string> => queue.getJobState(id);
  const listed = async (): Promise<string[]> => {
    const query = { caller: CALLER, types: ['plain'], statuses: ['Pending'] as const, after: undefined, limit: 10 };
    return (await test.queue.list(query)).jobs.map(({ id }) => id);
  };

  /** A worker with options of BullMQ's, whose jobs do nothing. */
  async function work(options: Pick<BackendWorkerOptions, 'limiter' | 'metrics'>): Promise<void> {
    const process: JobProcessor = async (job) => {
      ran.push(String(job.data.input));
      return { text: 'done' };
    };
    const ignore = (): void => undefined;
    const needed = { lockDuration: 8000, onCompleted: ignore, onFailed: ignore, onRenewed: ignore, onLost: ignore };
    const worker = await test.backend.createWorker('plain', process, { ...options, ...needed });
    onTestFinished(() => worker.close());
  }

  /** Connections of workers that wait for a job. */
  const blocked = async (): Promise<number> =>
    String(await redis.client('LIST'))
      .split('\n')
      .filter((client) => /\bcmd=bzpopmin\b/.test(client)).length;

  it('priorities, which every operation of ours takes into account', async () => {
    const low = await add('low', { priority: 5 });
    const high = await add('high', { priority: 1 });
    const canceled = await add('canceled', { priority: 2 });
    const none = await add('none');
    expect(low).toMatchObject({ status: 'Pending', attempt: 0 });
    expect(await stateOf(low)).toBe('prioritized');
    expect(await test.queue.readDepth('plain', 100)).toBe(4);
    expect(await test.queue.readPace('plain')).toMatchObject({ waiting: 4 });
    expect((await listed()).toSorted()).toEqual([low, high, canceled, none].map(({ id }) => id).toSorted());
    expect(await test.queue.cancel(canceled)).toMatchObject({ status: 'Canceled' });
    expect(await test.queue.readDepth('plain', 100)).toBe(3);
    const workers = test.startWorkers();
    await finishAll([low, high, none]);
    await workers.close(5000);
    // BullMQ would begin with the job that has none.
    expect(ran).toEqual(['high', 'low', 'none']);
    expect(await test.queue.retry(canceled, 1)).toMatchObject({ status: 'Pending' });
    expect(await stateOf(canceled)).toBe('prioritized');
    test.work();
    expect(await test.finish(canceled)).toMatchObject({ status: 'Succeeded' });
  });

  it('changes of a priority', async () => {
    const [first, ...others] = await addAll('first', 'second', 'third');
    if (first === undefined) expect.fail('no job');
    await (await queue.getJob(first.id))?.changePriority({ priority: 1 });
    const workers = test.work();
    await finishAll([first, ...others]);
    await workers.close(5000);
    expect(ran.at(-1)).toBe('first');
  });

  it('delays, after which a job keeps its priority', async () => {
    const delayed = await add('delayed', { delayMs: HOUR_MS, priority: 3 });
    const canceled = await add('canceled', { delayMs: HOUR_MS });
    expect(delayed).toMatchObject({ status: 'Pending' });
    expect(await stateOf(delayed)).toBe('delayed');
    expect(await test.queue.readDepth('plain', 100)).toBe(2);
    expect(await listed()).toContain(delayed.id);
    expect(await test.queue.cancel(canceled)).toMatchObject({ status: 'Canceled' });
    const soon = await add('soon', { delayMs: 50 });
    test.work();
    expect(await test.finish(soon)).toMatchObject({ status: 'Succeeded' });
    expect(ran).toEqual(['soon']);
    await (await queue.getJob(delayed.id))?.promote();
    expect(await test.finish(delayed)).toMatchObject({ status: 'Succeeded' });
  });

  it('flows: a parent is Pending until its children have succeeded, and gets their results', async () => {
    const flows = new FlowProducer({ connection: redis, prefix: 'accepted' });
    onTestFinished(() => flows.close());
    const release = signal();
    plain.runs(async ({ text }) => {
      await release.reached;
      ran.push(text);
      return { text };
    });
    const step = (text: string) => ({
      name: CALLER,
      queueName: QUEUE,
      data: { input: { text }, requestId: 'test' },
      opts: { jobId: newJobId('plain') },
    });
    const parent = step('parent');
    const children = [step('first'), step('second')];
    await flows.add({ ...parent, children });
    const id = parent.opts.jobId;
    test.work();
    expect(await test.queue.read(id, 'plain')).toMatchObject({ status: 'Pending' });
    expect(await test.queue.readDepth('plain', 100)).toBeGreaterThanOrEqual(1);
    release.reach();
    const done = await poll(
      () => test.queue.read(id, 'plain'),
      (job) => job?.status === 'Succeeded',
    );
    expect(done).toMatchObject({ result: { text: 'parent' } });
    expect(ran.at(-1)).toBe('parent');
    const values = await (await queue.getJob(id))?.getChildrenValues();
    expect(Object.values(values ?? {})).toEqual(expect.arrayContaining([{ text: 'first' }, { text: 'second' }]));

    expect(await test.backend.removeFinished('plain', Date.now())).toBe(3);
    expect((await redis.keys('*')).filter((key) => key.includes(id))).toEqual([]);
  });

  it('flows: a parent can be canceled, and a canceled child moves its parent on', async () => {
    const flows = new FlowProducer({ connection: redis, prefix: 'accepted' });
    onTestFinished(() => flows.close());
    const flow = async (): Promise<{ parent: string; child: string }> => {
      const [parent, child] = [newJobId('plain'), newJobId('plain')];
      const of = (jobId: string) => ({
        name: CALLER,
        queueName: QUEUE,
        data: { input: { text: jobId }, requestId: 'test' },
        opts: { jobId },
      });
      const failing = { ...of(child), opts: { jobId: child, failParentOnFailure: true } };
      await flows.add({ ...of(parent), children: [failing] });
      return { parent, child };
    };
    const read = async (id: string): Promise<Job> => {
      const job = await test.queue.read(id, 'plain');
      if (job === undefined) throw new Error('no job');
      return job;
    };
    const one = await flow();
    expect(await test.queue.cancel(await read(one.parent))).toMatchObject({ status: 'Canceled' });
    const other = await flow();
    await test.queue.cancel(await read(other.child));
    test.work();
    expect(await test.finish(await read(one.child))).toMatchObject({ status: 'Succeeded' });
    expect(await test.finish(await read(other.child))).toMatchObject({ status: 'Canceled' });
    expect(await test.finish(await read(other.parent))).toMatchObject({ status: 'Failed' });
    expect(await read(one.parent)).toMatchObject({ status: 'Canceled' });
  });

  it('pause and resume, while which jobs are Pending', async () => {
    await queue.pause();
    const jobs = await addAll('first', 'second');
    test.work();
    // The worker has looked, and waits.
    await poll(blocked, (workers) => workers > 0);
    for (const job of jobs) expect(await test.read(job)).toMatchObject({ status: 'Pending' });
    expect(ran).toEqual([]);
    await queue.resume();
    await finishAll(jobs);
    expect(ran).toEqual(['first', 'second']);
  });

  it('a global concurrency', async () => {
    await queue.setGlobalConcurrency(2);
    let running = 0;
    const atOnce: number[] = [];
    plain.runs(async ({ text }, job) => {
      running += 1;
      atOnce.push(running);
      await job.progress(50);
      running -= 1;
      return { text };
    });
    const jobs = await addAll(...Array.from({ length: 30 }, (_, index) => String(index)));
    test.work();
    await finishAll(jobs);
    expect(Math.max(...atOnce)).toBe(2);
  });

  it('a global rate', async () => {
    await queue.setGlobalRateLimit(2, 500);
    const jobs = await addAll('1', '2', '3', '4', '5');
    const startedAt: number[] = [];
    plain.runs(async ({ text }) => {
      startedAt.push(Date.now());
      return { text };
    });
    test.work();
    await finishAll(jobs);
    expect((startedAt[4] ?? 0) - (startedAt[0] ?? 0)).toBeGreaterThan(500);
  });

  it('the limiter of a worker', async () => {
    const jobs = await addAll('1', '2');
    await work({ limiter: { max: 1, duration: HOUR_MS } });
    await poll(
      () => queue.getRateLimitTtl(1),
      (ttl) => ttl > 0,
    );
    await poll(
      async () => ran.length,
      (length) => length > 0,
    );
    const statuses = await Promise.all(jobs.map(async (job) => (await test.read(job))?.status));
    expect(statuses).toContain('Pending');
    await queue.removeRateLimitKey();
  });

  it('metrics', async () => {
    await work({ metrics: { maxDataPoints: 60 } });
    await finishAll(await addAll('1', '2', '3'));
    const { meta } = await queue.getMetrics('completed');
    expect(meta.count).toBe(3);
  });

  it('job schedulers', async () => {
    const jobs: BullmqJob[] = [];
    const second = signal();
    plain.runs(async ({ text }) => {
      ran.push(text);
      if (ran.length === 2) second.reach();
      return { text };
    });
    const template = { name: CALLER, data: { input: { text: 'scheduled' }, requestId: 'test' } };
    await queue.upsertJobScheduler('each', { every: 100 }, template);
    const workers = test.startWorkers();
    await second.reached;
    await queue.removeJobScheduler('each');
    await workers.close(5000);
    jobs.push(...(await queue.getCompleted()));
    expect(jobs.length).toBeGreaterThanOrEqual(2);
    expect(jobs[0]).toMatchObject({ name: CALLER, returnvalue: { text: 'scheduled' } });
  });
});
