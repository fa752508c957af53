import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { JobError } from '../../src/core/job-error.ts';
import { type DoneJob, type Job } from '../../src/core/job.ts';
import { poll } from '../support/follow.ts';
import { scripted, setUpQueue, signal } from '../support/queue.ts';
import { BACKENDS } from '../support/stores.ts';

describe.each(BACKENDS)('retry on %s', (backend) => {
  const plain = scripted('plain');
  /** Waits between its attempts: up to half a second, then twice as long. */
  const slow = scripted('slow', { backoffSeconds: 0.5 });
  const test = setUpQueue(backend, [plain, slow]);
  const { add, read, finish, work } = test;
  const retry = async (job: Job): Promise<boolean> => (await test.queue.retry(job, 3)) !== undefined;

  const fail = (): void =>
    plain.runs(async (_, job) => {
      await job.progress(30, `attempt ${job.attempt}`);
      throw new Error('on purpose');
    });
  const succeed = (): void => plain.runs(async ({ text }) => ({ text }));

  it('gives a failed job all its attempts once more, and keeps its history', async () => {
    fail();
    const job = await add(plain);
    work();
    const failed = await finish(job);
    expect(failed).toMatchObject({ status: 'Failed', attempt: 3, maxAttempts: 3, percentComplete: 30 });
    const release = signal();
    const startedAgain = signal();
    plain.runs(async (_, { attempt }) => {
      startedAgain.reach();
      await release.reached;
      throw new Error(`attempt ${attempt}`);
    });
    expect(await retry(job)).toBe(true);
    await startedAgain.reached;
    const running = await read(job);
    expect(running).toMatchObject({
      status: 'Running',
      attempt: 4,
      maxAttempts: 6,
      percentComplete: 0,
      message: null,
      history: failed.history,
    });
    release.reach();
    const done = await finish(job);
    expect(done).toMatchObject({ status: 'Failed', attempt: 6, maxAttempts: 6 });
    expect(done.history.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(done.history.slice(0, 3)).toEqual(failed.history);
    let last = done.createdAt;
    for (const { startedAt, finishedAt, error } of done.history) {
      expect(startedAt.getTime()).toBeGreaterThanOrEqual(last.getTime());
      expect(finishedAt.getTime()).toBeGreaterThanOrEqual(startedAt.getTime());
      expect(error.code).toBe('JOB_FAILED');
      last = finishedAt;
    }
  });

  it('is pending at once, without what it had come to, and its last update is not earlier than before', async () => {
    fail();
    const job = await add(plain);
    const workers = work();
    const failed = await finish(job);
    await workers.close(5000);
    expect(await retry(job)).toBe(true);
    const pending = await read(job);
    expect(pending).toMatchObject({ status: 'Pending', attempt: 3, maxAttempts: 6, percentComplete: 0, message: null });
    expect(pending).not.toHaveProperty('error');
    expect(pending).not.toHaveProperty('finishedAt');
    expect(pending?.lastUpdatedAt.getTime()).toBeGreaterThanOrEqual(failed.lastUpdatedAt.getTime());
    succeed();
    work();
    expect(await finish(job)).toMatchObject({ status: 'Succeeded', attempt: 4, history: failed.history });
  });

  it('was not updated earlier than before, however many updates there were in one millisecond', async () => {
    onTestFinished(() => void vi.useRealTimers());
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    plain.runs(async (_, job) => {
      for (let percent = 10; percent <= 30; percent += 10) await job.progress(percent);
      throw new JobError('FOR_GOOD', 'The job failed on purpose.', { retry: false });
    });
    const job = await add(plain);
    const workers = work();
    const failed = await finish(job);
    await workers.close(5000);
    expect(failed).toMatchObject({ status: 'Failed', percentComplete: 30 });
    expect(await retry(job)).toBe(true);
    const pending = await read(job);
    expect(pending?.lastUpdatedAt.getTime()).toBeGreaterThanOrEqual(failed.lastUpdatedAt.getTime());

    const told = signal();
    const release = signal();
    plain.runs(async ({ text }, context) => {
      await context.progress(50);
      told.reach();
      await release.reached;
      return { text };
    });
    work();
    await told.reached;
    const running = await poll(
      () => read(job),
      (found) => found?.percentComplete === 50,
    );
    expect(running?.lastUpdatedAt.getTime()).toBeGreaterThan(failed.lastUpdatedAt.getTime());
    release.reach();
    await finish(job);
  });

  it('was not updated earlier than it ended, where the clock of the process that retries it is behind', async () => {
    onTestFinished(() => void vi.useRealTimers());
    const job = await add(plain, 'hello', { createdAt: new Date(Date.now() - 60_000) });
    expect(await test.queue.cancel(job)).toMatchObject({ status: 'Canceled' });
    const canceled = await read(job);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 5000 });
    expect(await retry(job)).toBe(true);
    const pending = await read(job);
    expect(pending?.status).toBe('Pending');
    expect(pending?.lastUpdatedAt).toEqual(canceled?.lastUpdatedAt);
  });

  it('puts a job back as often as it is asked to', async () => {
    const job = await add(plain);
    fail();
    work();
    for (const attempt of [3, 6, 9]) {
      expect(await finish(job)).toMatchObject({ status: 'Failed', attempt, maxAttempts: attempt });
      expect(await retry(job)).toBe(true);
    }
    expect(await finish(job)).toMatchObject({ status: 'Failed', attempt: 12 });
  });

  it('keeps the last twenty attempts', async () => {
    const job = await add(plain);
    fail();
    work();
    await finish(job);
    await test.queue.retry(job, 21);
    const { history } = await finish(job);
    expect(history.map(({ attempt }) => attempt)).toEqual(Array.from({ length: 20 }, (_, index) => index + 5));
  });

  /** Each way in which a job gets canceled. */
  const CANCELS: Record<string, () => Promise<DoneJob>> = {
    'while it was pending': async () => {
      const job = await add(plain);
      await test.queue.cancel(job);
      return finish(job);
    },
    'while it ran': async () => {
      const started = signal();
      plain.runs(async (_, job) => {
        started.reach();
        return new Promise((_resolve, reject) => job.signal.addEventListener('abort', () => reject(new Error('stop'))));
      });
      const job = await add(plain);
      const workers = work();
      await started.reached;
      expect(await test.queue.cancel(job)).toMatchObject({ status: 'Running' });
      const done = await finish(job);
      await workers.close(5000);
      return done;
    },
    'and its result came too late': async () => {
      const started = signal();
      const release = signal();
      plain.runs(async ({ text }) => {
        started.reach();
        await release.reached;
        return { text };
      });
      const job = await add(plain);
      const workers = work();
      await started.reached;
      expect(await test.queue.cancel(job)).toMatchObject({ status: 'Running' });
      release.reach();
      const done = await finish(job);
      await workers.close(5000);
      return done;
    },
    'while it was handed back': async () => {
      const started = signal();
      plain.runs(async () => {
        started.reach();
        return signal<{ text: string }>().reached;
      });
      const job = await add(plain);
      const workers = test.startWorkers();
      await started.reached;
      expect(await test.queue.cancel(job)).toMatchObject({ status: 'Running' });
      await workers.close(0);
      return finish(job);
    },
  };

  it.each(Object.keys(CANCELS))('runs a job that was canceled %s', async (way) => {
    const canceled = await CANCELS[way]?.();
    if (canceled === undefined) expect.fail('no such way');
    expect(canceled.status).toBe('Canceled');
    expect(await retry(canceled)).toBe(true);
    const pending = await read(canceled);
    expect(pending).toMatchObject({ status: 'Pending', maxAttempts: canceled.attempt + 3, percentComplete: 0 });
    expect(pending?.lastUpdatedAt.getTime()).toBeGreaterThanOrEqual(canceled.lastUpdatedAt.getTime());
    succeed();
    work();
    const done = await finish(canceled);
    expect(done).toMatchObject({ status: 'Succeeded', result: { text: 'hello' }, attempt: canceled.attempt + 1 });
    expect(await retry(done)).toBe(false);
  });

  it('cancels a job that was retried after it was canceled', async () => {
    const job = await add(plain);
    await test.queue.cancel(job);
    await retry(job);
    expect(await test.queue.cancel(job)).toMatchObject({ status: 'Canceled' });
    expect(await read(job)).toMatchObject({ status: 'Canceled' });
  });

  it('refuses a job that is pending, runs or has succeeded, and one that there is not', async () => {
    const started = signal();
    const release = signal();
    plain.runs(async ({ text }) => {
      started.reach();
      await release.reached;
      return { text };
    });
    const job = await add(plain);
    expect(await retry(job)).toBe(false);
    work();
    await started.reached;
    expect(await retry(job)).toBe(false);
    release.reach();
    const done = await finish(job);
    expect(done.status).toBe('Succeeded');
    expect(await retry(job)).toBe(false);
    expect(await read(job)).toEqual(done);
    expect(await test.queue.retry({ ...job, id: 'plain_AAAAAAAAAAAAAAAAAAAAAA' }, 3)).toBeUndefined();
  });

  it('is done once, however many ask at a time', async () => {
    const other = await test.otherSide();
    for (let round = 0; round < 10; round += 1) {
      const job = await add(plain);
      await test.queue.cancel(job);
      const asked = Array.from({ length: 6 }, (_, index) => (index % 2 === 0 ? test : other).queue.retry(job, 3));
      const answers = await Promise.all(asked);
      expect(answers.filter(Boolean)).toHaveLength(1);
      expect(await read(job)).toMatchObject({ status: 'Pending', maxAttempts: 3 });
    }
  });

  it('begins the waits between attempts anew', async () => {
    const startedAt: number[] = [];
    slow.runs(async () => {
      startedAt.push(performance.now());
      throw new Error('on purpose');
    });
    const job = await add(slow);
    work();
    await finish(job);
    expect(await retry(job)).toBe(true);
    await poll(
      async () => startedAt.length,
      (runs) => runs >= 5,
    );
    const [, , , fourth = 0, fifth = 0] = startedAt;
    // 0.25 to 0.5 s before the second attempt; it would be 2 to 4 s if the count went on.
    expect(fifth - fourth).toBeGreaterThan(200);
    expect(fifth - fourth).toBeLessThan(1800);
  });
});
