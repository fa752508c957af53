import { FlowProducer, type PgPool, Queue, createPostgresBackend } from 'bullmq';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { newJobId } from '../../src/core/job-id.ts';
import type { Job } from '../../src/core/job.ts';
import { toAddition } from '../../src/queue/job-record.ts';
import type { BackendWorkerOptions } from '../../src/queue/backend.ts';
import { toBullmqPool } from '../../src/queue/postgres/pool.ts';
import { poll } from '../support/follow.ts';
import { scripted, setUpQueue } from '../support/queue.ts';
import { openPool } from '../support/postgres.ts';

const CALLER = 'somebody';
const HOUR_MS = 3_600_000;

const openQueue = (pool: PgPool) => new Queue('plain', { connection: pool }, createPostgresBackend);

describe('on PostgreSQL, BullMQ offers for our queues', () => {
  const plain = scripted('plain');
  const test = setUpQueue('postgres', [plain]);
  let pool: PgPool;
  let queue: ReturnType<typeof openQueue>;
  /** Texts of the jobs that ran, in their order. */
  const ran: string[] = [];

  beforeEach(async () => {
    const database = openPool(test.url, { options: '-c search_path=bullmq', max: 5 });
    pool = toBullmqPool(database);
    queue = openQueue(pool);
    onTestFinished(async () => {
      await queue.close();
      await database.end();
    });
    await queue.pause();
    await queue.obliterate({ force: true });
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
    return read(job.id);
  }
  async function read(id: string): Promise<Job> {
    const job = await test.queue.read(id, 'plain');
    if (job === undefined) throw new Error('no job');
    return job;
  }
  async function listed(): Promise<string[]> {
    const query = { caller: CALLER, types: ['plain'], statuses: ['Pending'] as const, after: undefined, limit: 10 };
    return (await test.queue.list(query)).jobs.map(({ id }) => id).toSorted();
  }
  /** A worker with options of BullMQ's. */
  async function work(options: Pick<BackendWorkerOptions, 'limiter' | 'metrics'>): Promise<void> {
    const ignore = (): void => undefined;
    const needed = { lockDuration: 8000, onCompleted: ignore, onFailed: ignore, onRenewed: ignore, onLost: ignore };
    const worker = await test.backend.createWorker('plain', async () => ({ text: 'done' }), { ...options, ...needed });
    onTestFinished(() => worker.close());
  }
  const ids = (jobs: readonly Job[]): string[] => jobs.map(({ id }) => id).toSorted();

  it('priorities, which every operation of ours takes into account', async () => {
    const low = await add('low', { priority: 5 });
    const high = await add('high', { priority: 1 });
    const canceled = await add('canceled', { priority: 2 });
    const none = await add('none');
    expect(low).toMatchObject({ status: 'Pending', attempt: 0 });
    expect(await queue.getJobState(low.id)).toBe('prioritized');
    expect(await test.queue.readDepth('plain', 100)).toBe(4);
    expect(await test.queue.readPace('plain')).toMatchObject({ waiting: 4 });
    expect(await listed()).toEqual(ids([low, high, canceled, none]));
    expect(await test.queue.cancel(canceled)).toMatchObject({ status: 'Canceled' });
    expect(await test.queue.readDepth('plain', 100)).toBe(3);
    await queue.setGlobalConcurrency(1);
    test.work();
    for (const job of [low, high, none]) await test.finish(job);
    expect(ran).toEqual(['none', 'high', 'low']);
    expect(await test.queue.retry(canceled, 1)).toMatchObject({ status: 'Pending' });
    expect(await test.finish(canceled)).toMatchObject({ status: 'Succeeded' });
  });

  it('delays', async () => {
    const delayed = await add('delayed', { delayMs: HOUR_MS, priority: 3 });
    const canceled = await add('canceled', { delayMs: HOUR_MS });
    const soon = await add('soon', { delayMs: 50 });
    expect(delayed).toMatchObject({ status: 'Pending' });
    expect(await queue.getJobState(delayed.id)).toBe('delayed');
    expect(await test.queue.readDepth('plain', 100)).toBe(3);
    expect(await test.queue.readDepth('plain', 2)).toBe(2);
    expect(await listed()).toEqual(ids([delayed, canceled, soon]));
    expect(await test.queue.cancel(canceled)).toMatchObject({ status: 'Canceled' });
    test.work();
    expect(await test.finish(soon)).toMatchObject({ status: 'Succeeded' });
    expect(ran).toEqual(['soon']);
    await (await queue.getJob(delayed.id))?.promote();
    expect(await test.finish(delayed)).toMatchObject({ status: 'Succeeded' });
  });

  const flowJob = (text: string, opts: { failParentOnFailure?: boolean } = {}) => {
    const data = { input: { text }, requestId: 'test' };
    return { name: CALLER, queueName: 'plain', data, opts: { jobId: newJobId('plain'), ...opts } };
  };
  const openFlows = (): FlowProducer<never, never> => {
    const flows = new FlowProducer({ connection: pool }, createPostgresBackend);
    onTestFinished(() => flows.close());
    return flows as never;
  };

  it('flows: a parent is Pending until its children have succeeded, and gets their results', async () => {
    const parent = flowJob('parent');
    await openFlows().add({ ...parent, children: [flowJob('first'), flowJob('second')] });
    const id = parent.opts.jobId;
    expect(await read(id)).toMatchObject({ status: 'Pending' });
    expect(await listed()).toContain(id);
    test.work();
    expect(await test.finish(await read(id))).toMatchObject({ status: 'Succeeded', result: { text: 'parent' } });
    expect(ran.at(-1)).toBe('parent');
    const values = await (await queue.getJob(id))?.getChildrenValues();
    expect(Object.values(values ?? {})).toEqual(expect.arrayContaining([{ text: 'first' }, { text: 'second' }]));
    expect(await test.backend.removeFinished('plain', Date.now() + HOUR_MS)).toBe(3);
  });

  it('flows: a parent can be canceled, and a canceled child moves its parent on', async () => {
    const flows = openFlows();
    const flow = async (): Promise<{ parent: string; child: string }> => {
      const [parent, child] = [flowJob('parent'), flowJob('child', { failParentOnFailure: true })];
      await flows.add({ ...parent, children: [child] });
      return { parent: parent.opts.jobId, child: child.opts.jobId };
    };
    const one = await flow();
    const other = await flow();
    expect(await test.queue.cancel(await read(one.parent))).toMatchObject({ status: 'Canceled' });
    expect(await test.queue.cancel(await read(other.child))).toMatchObject({ status: 'Canceled' });
    test.work();
    expect(await test.finish(await read(one.child))).toMatchObject({ status: 'Succeeded' });
    expect(await test.finish(await read(other.parent))).toMatchObject({ status: 'Failed' });
    expect(await read(one.parent)).toMatchObject({ status: 'Canceled' });
    expect(ran).toEqual(['child']);
  });

  it('deduplication, whose key a canceled job gives back', async () => {
    const data = { input: { text: 'once' }, requestId: 'test' };
    const addOnce = async (): Promise<string> => {
      const opts = { jobId: newJobId('plain'), deduplication: { id: 'one' } };
      return (await queue.add(CALLER, data, opts)).id ?? '';
    };
    const first = await addOnce();
    expect(await addOnce()).toBe(first);
    await test.queue.cancel(await read(first));
    expect(await addOnce()).not.toBe(first);
  });

  it('pause and resume, while which jobs are Pending', async () => {
    await queue.pause();
    const jobs = [await add('first'), await add('second')];
    await work({});
    expect(await listed()).toEqual(ids(jobs));
    expect(await test.queue.readDepth('plain', 10)).toBe(2);
    await queue.resume();
    for (const job of jobs) expect(await test.finish(job)).toMatchObject({ status: 'Succeeded' });
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
    const jobs: Job[] = [];
    for (let index = 0; index < 20; index += 1) jobs.push(await add(String(index)));
    test.work();
    for (const job of jobs) await test.finish(job);
    expect(Math.max(...atOnce)).toBe(2);
  });

  it('the limiter of a worker', async () => {
    const jobs = [await add('1'), await add('2')];
    await work({ limiter: { max: 1, duration: HOUR_MS } });
    await poll(
      async () => (await Promise.all(jobs.map(({ id }) => read(id)))).map(({ status }) => status).toSorted(),
      (statuses) => statuses.join() === 'Pending,Succeeded',
    );
    expect(await queue.getRateLimitTtl(1)).toBeGreaterThan(0);
    await queue.removeRateLimitKey();
  });

  it('metrics', async () => {
    const jobs = [await add('1'), await add('2'), await add('3')];
    await work({ metrics: { maxDataPoints: 60 } });
    for (const job of jobs) await test.finish(job);
    // BullMQ counts a job after its end.
    const counted = await poll(
      async () => (await queue.getMetrics('completed')).meta.count,
      (count) => count >= 3,
    );
    expect(counted).toBe(3);
  });

  it('job schedulers', async () => {
    const template = { name: CALLER, data: { input: { text: 'scheduled' }, requestId: 'test' } };
    await queue.upsertJobScheduler('each', { every: 100 }, template);
    test.work();
    await poll(
      async () => ran.length,
      (runs) => runs >= 2,
    );
    await queue.removeJobScheduler('each');
    const [job] = await queue.getCompleted();
    expect(job).toMatchObject({ name: CALLER, returnvalue: { text: 'scheduled' } });
  });
});
