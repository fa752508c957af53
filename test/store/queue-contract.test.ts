import { describe, expect, it, onTestFinished } from 'vitest';
import { ServiceError } from '../../src/core/errors.ts';
import { JobError } from '../../src/core/job-error.ts';
import { newJobId } from '../../src/core/job-id.ts';
import { type Job } from '../../src/core/job.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createBullmqQueue } from '../../src/queue/job-queue.ts';
import { connectQueue } from '../../src/queue/wire-queue.ts';
import { createSucceededJobs } from '../../src/queue/job-reader.ts';
import { createEmbeddedStore } from '../../src/stores/embedded-store.ts';
import { scripted, setUpQueue, signal } from '../support/queue.ts';
import { BACKENDS, createStore } from '../support/stores.ts';

const retentionSeconds = 3600;

describe.each(BACKENDS)('the queue on %s', (backend) => {
  const plain = scripted('plain');
  const once = scripted('once', { attempts: 1 });
  const brief = scripted('brief', { attempts: 2, timeoutSeconds: 0.05 });
  const test = setUpQueue(backend, [plain, once, brief], { retentionSeconds });
  const { add, read, finish, work } = test;

  it('has a job as soon as it is added, pending', async () => {
    const job = await add(plain);
    expect(await read(job)).toEqual(job);
    expect(job).toMatchObject({ status: 'Pending', percentComplete: 0, attempt: 0, maxAttempts: 3, startedAt: null });
    expect(await test.queue.readInput(job.id, job.type)).toEqual({ text: 'hello' });
    work();
    await finish(job);
  });

  it('knows nothing of a job that was not added', async () => {
    expect(await test.queue.read(newJobId('plain'), 'plain')).toBeUndefined();
    expect(await test.queue.readInput(newJobId('plain'), 'plain')).toBeUndefined();
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
    const workers = test.startWorkers();
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
    const workers = test.startWorkers();
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
    const logger = createLogger('silent');
    const unconnected = connectQueue({ url: store.settings.QUEUE_URL, embedded: embedded.pool, logger });
    const succeeded = createSucceededJobs();
    const closed = createBullmqQueue({ backend: unconnected, types: ['plain'], retentionSeconds, succeeded, logger });
    onTestFinished(async () => {
      await unconnected.close();
      store.remove();
    });
    await expect(closed.read(newJobId('plain'), 'plain')).rejects.toThrow(ServiceError);
    await expect(closed.ping()).rejects.toMatchObject({ problem: 'queue-unavailable', retryAfter: 1 });
  });
});
