import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { type JobContext, type JobType, defineJob } from '../src/core/define-job.ts';
import { ServiceError } from '../src/core/errors.ts';
import { JobError } from '../src/core/job-error.ts';
import { newJobId } from '../src/core/job-id.ts';
import { type Job, isDone } from '../src/core/job.ts';
import type { JobWorker } from '../src/core/ports.ts';
import { createProvider } from '../src/core/provider.ts';
import { createLogger } from '../src/observability/logger.ts';
import { type BullmqQueue, createBullmqQueue } from '../src/queue/bullmq-queue.ts';
import { startBullmqWorkers } from '../src/queue/bullmq-worker.ts';
import { connectQueue } from '../src/queue/connect.ts';
import { createEmbeddedStore } from '../src/queue/embedded-store.ts';
import { poll } from './support/follow.ts';
import { BACKENDS, createStore } from './support/stores.ts';

const logger = createLogger('silent');
const retentionSeconds = 3600;

/** Job types whose function a test sets. */
type Run = (input: { text: string }, job: JobContext) => Promise<{ text: string }>;

function scripted(
  name: string,
  options: Partial<Pick<JobType, 'attempts' | 'timeoutSeconds' | 'backoffSeconds'>> = {},
) {
  let run: Run = async ({ text }) => ({ text });
  const type = defineJob({
    name,
    collection: name,
    description: 'Does what the test says.',
    input: z.object({ text: z.string() }),
    result: z.object({ text: z.string() }),
    backoffSeconds: 0.01,
    ...options,
    run: (input, job) => run(input, job),
  });
  return { type, runs: (next: Run) => void (run = next) };
}

/** A promise and the function that fulfils it. */
function signal<T = void>() {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { reached: promise, reach: resolve };
}

describe.each(BACKENDS)('the queue on %s', (backend) => {
  const plain = scripted('plain');
  const once = scripted('once', { attempts: 1 });
  const brief = scripted('brief', { attempts: 2, timeoutSeconds: 0.05 });
  const types = [plain.type, once.type, brief.type];
  let queue: BullmqQueue;
  let startWorkers: () => JobWorker;
  const closers: (() => Promise<void> | void)[] = [];

  beforeAll(async () => {
    const store = await createStore(backend);
    const embedded = createEmbeddedStore(store.settings.DATA_DIR);
    if (backend === 'embedded') await embedded.open();
    const queueBackend = connectQueue({ url: store.settings.QUEUE_URL, embedded: embedded.pool, workers: 20, logger });
    queue = createBullmqQueue({
      backend: queueBackend,
      types: types.map((type) => type.name),
      retentionSeconds,
      logger,
    });
    await queueBackend.connect();
    await queue.open();
    const { use } = createProvider();
    startWorkers = () => startBullmqWorkers({ backend: queueBackend, types, concurrency: 5, use, logger });
    closers.push(
      () => queue.close(),
      () => queueBackend.close(),
      () => embedded.close(),
      () => store.remove(),
    );
  });
  afterAll(async () => {
    for (const close of closers) await close();
  });

  const add = async ({ type }: { type: JobType }, text = 'hello'): Promise<Job> =>
    queue.add({
      id: newJobId(type.name),
      type: type.name,
      createdAt: new Date(),
      maxAttempts: type.attempts,
      backoffMs: type.backoffSeconds * 1000,
      input: { text },
      requestId: 'test',
    });
  const read = (job: Job): Promise<Job | undefined> => queue.read(job.id, job.type);
  const finish = (job: Job) =>
    poll(
      () => read(job),
      (now) => now !== undefined && isDone(now),
    );
  const work = (): JobWorker => {
    const workers = startWorkers();
    onTestFinished(() => workers.close(5000));
    return workers;
  };

  it('has a job as soon as it is added, pending', async () => {
    const job = await add(plain);
    expect(await read(job)).toEqual(job);
    expect(job).toMatchObject({ status: 'Pending', percentComplete: 0, attempt: 0, maxAttempts: 3, startedAt: null });
    expect(await queue.readInput(job.id, job.type)).toEqual({ text: 'hello' });
    work();
    await finish(job);
  });

  it('knows nothing of a job that was not added', async () => {
    expect(await queue.read(newJobId('plain'), 'plain')).toBeUndefined();
    expect(await queue.readInput(newJobId('plain'), 'plain')).toBeUndefined();
  });

  it('shows a running job with its progress, and then its result', async () => {
    const progressed = signal();
    const release = signal();
    plain.runs(async ({ text }, job) => {
      await job.progress(41.9, 'nearly half');
      progressed.reach();
      await release.reached;
      return { text: text.toUpperCase() };
    });
    const job = await add(plain, 'ünïcode 🎉 "quoted"');
    work();
    await progressed.reached;
    const running = await read(job);
    expect(running).toMatchObject({ status: 'Running', percentComplete: 41, message: 'nearly half', attempt: 1 });
    expect(running?.startedAt).toBeInstanceOf(Date);
    expect(running?.lastUpdatedAt.getTime()).toBeGreaterThanOrEqual(running?.startedAt?.getTime() ?? Number.NaN);
    release.reach();
    const done = await finish(job);
    expect(done).toMatchObject({
      status: 'Succeeded',
      percentComplete: 100,
      result: { text: 'ÜNÏCODE 🎉 "QUOTED"' },
      attempt: 1,
    });
    if (done === undefined || !isDone(done)) expect.fail('not done');
    expect(done.expiresAt.getTime() - done.finishedAt.getTime()).toBe(retentionSeconds * 1000);
  });

  it('runs a failed job again, as often as its type says, and masks what was not meant for callers', async () => {
    let runs = 0;
    plain.runs(async () => {
      runs += 1;
      throw new Error('secret of the database');
    });
    const job = await add(plain);
    work();
    const done = await finish(job);
    expect(runs).toBe(3);
    expect(done).toMatchObject({ status: 'Failed', error: { code: 'JOB_FAILED' }, attempt: 3 });
    expect(JSON.stringify(done)).not.toContain('secret');
  });

  it('succeeds at a later attempt, and counts it', async () => {
    const attempts: number[] = [];
    plain.runs(async ({ text }, job) => {
      attempts.push(job.attempt);
      if (job.attempt < 3) throw new Error('not yet');
      return { text };
    });
    const job = await add(plain);
    work();
    expect(await finish(job)).toMatchObject({ status: 'Succeeded', attempt: 3, result: { text: 'hello' } });
    expect(attempts).toEqual([1, 2, 3]);
  });

  it("fails for good with the function's own code when no retry would mend it", async () => {
    let runs = 0;
    plain.runs(async () => {
      runs += 1;
      throw new JobError('NO_SUCH_THING', 'There is "no" such thing: ü.', { retry: false });
    });
    const job = await add(plain);
    work();
    const error = { code: 'NO_SUCH_THING', message: 'There is "no" such thing: ü.' };
    expect(await finish(job)).toMatchObject({ status: 'Failed', error, attempt: 1 });
    expect(runs).toBe(1);
  });

  it('ends an attempt that takes too long, aborts its signal, and tries again', async () => {
    const signals: AbortSignal[] = [];
    const never = signal<{ text: string }>();
    brief.runs(async (_, job) => {
      signals.push(job.signal);
      return never.reached;
    });
    const job = await add(brief);
    work();
    expect(await finish(job)).toMatchObject({ status: 'Failed', error: { code: 'JOB_TIMEOUT' }, attempt: 2 });
    expect(signals.map((each) => each.aborted)).toEqual([true, true]);
  });

  it.each([
    ['a number', 5],
    ['U+0000', 'a\u0000'],
    ['half a surrogate pair', 'a\ud800'],
  ])('refuses a result that is not valid: %s', async (_, text) => {
    once.runs(async () => Object.assign({ text: '' }, { text }));
    const job = await add(once);
    work();
    expect(await finish(job)).toMatchObject({ status: 'Failed', error: { code: 'INVALID_RESULT' } });
  });

  it('waits for running work when its worker closes within the grace period', async () => {
    const started = signal();
    const release = signal();
    plain.runs(async ({ text }) => {
      started.reach();
      await release.reached;
      return { text };
    });
    const job = await add(plain);
    const workers = startWorkers();
    await started.reached;
    const closed = workers.close(30_000);
    release.reach();
    await closed;
    expect(await read(job)).toMatchObject({ status: 'Succeeded' });
  });

  it('hands running work back when the grace period is over, and another worker finishes it', async () => {
    const started = signal();
    let aborted: AbortSignal | undefined;
    plain.runs(async (_, job) => {
      aborted = job.signal;
      started.reach();
      return signal<{ text: string }>().reached;
    });
    const job = await add(plain);
    const workers = startWorkers();
    await started.reached;
    await workers.close(0);
    expect(aborted?.aborted).toBe(true);
    expect(await read(job)).toMatchObject({ status: 'Pending', attempt: 0 });

    plain.runs(async ({ text }) => ({ text }));
    work();
    expect(await finish(job)).toMatchObject({ status: 'Succeeded', attempt: 1 });
  });

  it('runs several jobs at a time, the oldest first, and never more than its concurrency', async () => {
    const order: string[] = [];
    const together = signal();
    let atOnce = 0;
    let most = 0;
    plain.runs(async ({ text }) => {
      order.push(text);
      most = Math.max(most, ++atOnce);
      if (atOnce === 2) together.reach();
      await together.reached;
      atOnce -= 1;
      return { text };
    });
    const jobs: Job[] = [];
    for (let index = 0; index < 20; index += 1) jobs.push(await add(plain, String(index)));
    work();
    await Promise.all(jobs.map(finish));
    expect(order.toSorted((a, b) => Number(a) - Number(b))).toEqual(jobs.map((_, index) => String(index)));
    expect(order.slice(0, 1)).toEqual(['0']);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(5);
  });

  it('refuses a job as queue-unavailable while it is not connected, and does not hang', async () => {
    const store = await createStore(backend);
    const embedded = createEmbeddedStore(store.settings.DATA_DIR);
    const unconnected = connectQueue({ url: store.settings.QUEUE_URL, embedded: embedded.pool, workers: 1, logger });
    const closed = createBullmqQueue({ backend: unconnected, types: ['plain'], retentionSeconds, logger });
    onTestFinished(async () => {
      await unconnected.close();
      store.remove();
    });
    await expect(closed.read(newJobId('plain'), 'plain')).rejects.toThrow(ServiceError);
    await expect(closed.ping()).rejects.toMatchObject({ problem: 'queue-unavailable', retryAfter: 1 });
  });
});
