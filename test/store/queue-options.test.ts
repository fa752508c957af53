import { Redis } from 'ioredis';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ANONYMOUS } from '../../src/core/access/caller.ts';
import type { SubmitOptions } from '../../src/core/input/submit-options.ts';
import { JobError } from '../../src/core/job-error.ts';
import type { Job } from '../../src/core/job.ts';
import { prefixOf } from '../../src/queue/redis/names.ts';
import { poll } from '../support/follow.ts';
import { type ScriptedType, scripted, setUpQueue, signal } from '../support/queue.ts';
import { BACKENDS } from '../support/stores.ts';

const HOUR_MS = 3_600_000;
/** So long that a busy machine submits a job and reads it meanwhile. */
const SOON_MS = 1500;
const EXPIRED = { status: 'Canceled', error: { code: 'JOB_EXPIRED' } } as const;
const startOf = ({ options }: Job): Date => options?.startBefore ?? expect.fail('no time to start by');
const fromNow = (ms: number): Date => new Date(Date.now() + ms);

describe.each(BACKENDS)('the options of a submission on %s', (backend) => {
  const plain = scripted('plain', { attempts: 2 });
  const single = scripted('single', { concurrency: 1 });
  const late = scripted('late', { concurrency: 1 });
  const preset = scripted('preset', { options: { delaySeconds: 3600, startWithinSeconds: 60, priority: 2 } });
  const test = setUpQueue(backend, [plain, single, late, preset]);
  const { finish, read, work } = test;
  afterEach(() => {
    vi.useRealTimers();
    plain.runs(async ({ text }) => ({ text }));
  });

  const submission = ({ type }: ScriptedType, given: SubmitOptions | undefined, text = 'hello', key?: string) => ({
    type,
    input: { text },
    options: { given, path: ['options'], base: '' },
    caller: ANONYMOUS,
    requestId: 'test',
    idempotencyKey: key,
  });
  const submit = async (type: ScriptedType, given?: SubmitOptions, text?: string): Promise<Job> =>
    (await test.service.submit(submission(type, given, text))).job;
  const submitOnce = (type: ScriptedType, given: SubmitOptions | undefined, key: string) =>
    test.service.submit(submission(type, given, 'hello', key));
  const storeReaches = (time: Date) =>
    poll(
      async () => test.queue.now('plain'),
      (now) => now > time.getTime(),
    );
  /** What a process does each second, here when a test says so. */
  const expire = () => test.backend.expire(['plain', 'single', 'late', 'preset']);

  describe('delaySeconds and runAt', () => {
    it('keep a job Pending until its time, also while workers come and go', async () => {
      const runAt = fromNow(600);
      const job = await submit(plain, { runAt });
      const hour = await submit(plain, { delaySeconds: 3600 });
      expect(job).toMatchObject({ status: 'Pending', options: { scheduledFor: runAt } });
      await test.startWorkers().close(5000);
      work();
      const done = await finish(job);
      expect(done).toMatchObject({ status: 'Succeeded', options: { scheduledFor: runAt } });
      expect(Number(done.startedAt)).toBeGreaterThanOrEqual(runAt.getTime());
      const scheduledFor = new Date(hour.createdAt.getTime() + HOUR_MS);
      expect(await read(hour)).toMatchObject({ status: 'Pending', attempt: 0, options: { scheduledFor } });
      expect(test.service.retryAfter(hour)).toBe(60);
      await test.queue.cancel(hour);
    });

    it('a time in the past means at once, and one beyond 30 days is refused', async () => {
      const job = await submit(plain, { runAt: fromNow(-HOUR_MS) });
      expect(job.options?.scheduledFor).toBeUndefined();
      work();
      expect(await finish(job)).toMatchObject({ status: 'Succeeded' });
      await expect(submit(plain, { runAt: fromNow(31 * 24 * HOUR_MS) })).rejects.toMatchObject({
        problem: 'invalid-input',
        issues: [{ path: ['options', 'runAt'], message: 'Invalid time: expected one at most 30 days ahead' }],
      });
    });

    it('a delayed job can be canceled, and then retried at once', async () => {
      const job = await submit(plain, { delaySeconds: 3600, startWithinSeconds: 60, priority: 4 });
      expect(await test.queue.cancel(job)).toMatchObject({ status: 'Canceled', error: { code: 'JOB_CANCELED' } });
      const retried = await test.service.retry(job.id, ANONYMOUS);
      expect(retried).toMatchObject({ status: 'Pending', options: { priority: 4 } });
      expect(retried.options?.scheduledFor).toBeUndefined();
      expect(retried.options?.startBefore).toBeUndefined();
      // It waits since the retry.
      await poll(
        () => test.backend.readLoads(['plain']),
        ([load]) => (load?.oldestWaitingMs ?? 0) > 0,
      );
      work();
      expect(await finish(job)).toMatchObject({ status: 'Succeeded' });
    });
  });

  describe('priority', () => {
    it('orders the jobs that wait, whenever they were added', async () => {
      const order: string[] = [];
      single.runs(async ({ text }) => {
        order.push(text);
        return { text };
      });
      const canceled = await submit(single, undefined, 'retried');
      await test.queue.cancel(canceled);
      const jobs = [
        await submit(single, undefined, 'first'),
        await submit(single, undefined, 'second'),
        await submit(single, { priority: 1 }, 'low'),
        await submit(single, { priority: 9 }, 'high'),
        await submit(single, { priority: 0 }, 'third'),
        await submit(single, { priority: 9 }, 'high too'),
        await submit(single, { priority: 5, runAt: fromNow(100) }, 'delayed'),
      ];
      const retried = await test.queue.retry(canceled, 1);
      expect(jobs.map((job) => job.options?.priority ?? 0)).toEqual([0, 0, 1, 9, 0, 9, 5]);
      expect(retried?.options).toBeUndefined();
      await storeReaches(fromNow(200));
      work();
      await Promise.all([...jobs, canceled].map(finish));
      expect(order).toEqual(['high', 'high too', 'delayed', 'low', 'first', 'second', 'third', 'retried']);
    });

    it('shows in the place of each job in the queue', async () => {
      const jobs = [
        await submit(late, undefined, 'first'),
        await submit(late, undefined, 'second'),
        await submit(late, { priority: 5 }, 'urgent'),
        await submit(late, { delaySeconds: 3600 }, 'delayed'),
      ];
      const places = () => Promise.all(jobs.map(async (job) => test.service.queuePosition((await read(job)) ?? job)));
      expect(await poll(places, (found) => String(found) === '1,2,0,')).toEqual([1, 2, 0, null]);
      const added = await submit(late, undefined, 'last');
      await poll(
        async () => test.service.queuePosition(added),
        (place) => place === 3,
      );
      for (const { id } of [...jobs, added]) await test.service.cancel(id, ANONYMOUS);
      await poll(places, (found) => String(found) === ',,,');
    });

    it('is that of the job also when it waits for its next attempt', async () => {
      const order: string[] = [];
      late.runs(async ({ text }, { attempt }) => {
        order.push(text);
        if (text === 'high' && attempt === 1) throw new JobError('AGAIN', 'Again.');
        return { text };
      });
      const jobs = [await submit(late, undefined, 'default'), await submit(late, { priority: 9 }, 'high')];
      work();
      await Promise.all(jobs.map(finish));
      expect(order[0]).toBe('high');
      expect(await read(jobs[1] as Job)).toMatchObject({ attempt: 2, options: { priority: 9 } });
    });
  });

  describe('startBefore and startWithinSeconds', () => {
    it.each<[string, SubmitOptions]>([
      ['waits', {}],
      ['has a priority', { priority: 3 }],
    ])('end a job that %s when no worker takes it, and tell those who follow it', async (_, given) => {
      const job = await submit(plain, { ...given, startWithinSeconds: 1 });
      const other = await submit(plain, { ...given, startBefore: fromNow(HOUR_MS) });
      const startBefore = startOf(job);
      expect(await read(job)).toMatchObject({ status: 'Pending', options: { startBefore } });
      const followed = test.service.wait(job.id, ANONYMOUS, 50, new AbortController().signal);
      await storeReaches(startBefore);
      expect(await expire()).toEqual([job.id]);
      expect(await expire()).toEqual([]);
      expect(await read(other)).toMatchObject({ status: 'Pending' });
      await test.queue.cancel(other);
      expect(await followed).toMatchObject({ ...EXPIRED, attempt: 0, startedAt: null, history: [] });
      const done = await finish(job);
      expect(done).toMatchObject({ ...EXPIRED, options: { ...given, startBefore } });
      expect(done.finishedAt.getTime()).toBeGreaterThanOrEqual(startBefore.getTime());
      work();
      expect(await read(job)).toMatchObject(EXPIRED);
    });

    it('end a job that a worker takes too late, whose function never runs', async () => {
      const runs: string[] = [];
      plain.runs(async ({ text }) => {
        runs.push(text);
        return { text };
      });
      const job = await submit(plain, { startWithinSeconds: 1 }, 'late');
      const other = await submit(plain, undefined, 'other');
      await storeReaches(startOf(job));
      work();
      expect(await finish(job)).toMatchObject({ ...EXPIRED, attempt: 0, startedAt: null, history: [] });
      expect(await finish(other)).toMatchObject({ status: 'Succeeded' });
      expect(runs).toEqual(['other']);
      expect(await test.queue.readTypeState('plain')).toMatchObject({ counts: { running: 0 } });
    });

    it('leave a job alone whose first attempt has begun, whatever it waits for then', async () => {
      const begun = signal();
      const over = signal();
      let runs = 0;
      plain.runs(async ({ text }) => {
        runs += 1;
        begun.reach();
        if (runs === 1) throw new JobError('BUSY', 'Busy.', { retryAfter: 1 });
        if (runs === 2) throw new Error('failed');
        await over.reached;
        return { text };
      });
      const workers = test.startWorkers();
      const job = await submit(plain, { startWithinSeconds: 3 });
      const startBefore = startOf(job);
      await begun.reached;
      await poll(
        () => read(job),
        (now) => now?.status === 'Pending',
      );
      await workers.close(5000);
      await storeReaches(startBefore);
      expect(await expire()).toEqual([]);
      work();
      over.reach();
      expect(await finish(job)).toMatchObject({ status: 'Succeeded', attempt: 2, options: { startBefore } });
    });

    // The embedded store has the clock of its process.
    const offs = backend === 'embedded' ? [] : [-HOUR_MS, HOUR_MS];
    it.for(offs)('go by the clock of the store, where that of the process is off by %i ms', async (off) => {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + off });
      const inTime = await submit(plain, { startWithinSeconds: 60 });
      const tooLate = await submit(plain, { startWithinSeconds: 1 });
      await storeReaches(startOf(tooLate));
      work();
      expect(await finish(inTime)).toMatchObject({ status: 'Succeeded' });
      expect(await finish(tooLate)).toMatchObject(EXPIRED);
    });

    it('no longer apply after a retry', async () => {
      const job = await submit(plain, { startWithinSeconds: 1 });
      await poll(expire, (ids) => ids.includes(job.id));
      const canceled = await submit(plain, { startWithinSeconds: 1 });
      await test.queue.cancel(canceled);
      await test.queue.retry(canceled, 1);
      await storeReaches(startOf(canceled));
      const retried = await test.service.retry(job.id, ANONYMOUS);
      expect(retried).toMatchObject({ status: 'Pending' });
      expect(retried.options?.startBefore).toBeUndefined();
      expect(await expire()).toEqual([]);
      for (const each of [job, canceled]) {
        await test.queue.cancel(each);
        expect(await read(each)).toMatchObject({ status: 'Canceled', error: { code: 'JOB_CANCELED' } });
      }
    });

    it('are counted from the time that the job waits for', async () => {
      const runAt = fromNow(HOUR_MS);
      const job = await submit(plain, { runAt, startWithinSeconds: 60 });
      expect(job.options?.startBefore).toEqual(new Date(runAt.getTime() + 60_000));
      await test.queue.cancel(job);
    });

    it.each<[string, () => SubmitOptions, string]>([
      ['in the past', () => ({ startBefore: fromNow(-1000) }), 'Invalid time: expected one in the future'],
      [
        'before runAt',
        () => ({ runAt: fromNow(2000), startBefore: fromNow(1000) }),
        'Invalid time: expected one after',
      ],
      ['within the delay', () => ({ delaySeconds: 9, startBefore: fromNow(5000) }), 'Invalid time: expected one after'],
    ])('a time %s is refused', async (_, given, message) => {
      await expect(submit(plain, given())).rejects.toMatchObject({
        problem: 'invalid-input',
        issues: [{ path: ['options', 'startBefore'], message: expect.stringContaining(message) }],
      });
    });
  });

  describe('an idempotency key', () => {
    it('is for the options too', async () => {
      const runAt = fromNow(HOUR_MS);
      const first = await submitOnce(plain, { runAt, priority: 3 }, 'options');
      const again = await submitOnce(plain, { priority: 3, runAt: new Date(runAt) }, 'options');
      expect([first.replayed, again.replayed]).toEqual([false, true]);
      expect(again.job).toMatchObject({ id: first.job.id, options: { scheduledFor: runAt, priority: 3 } });
      for (const other of [undefined, { runAt }, { runAt, priority: 4 }, { runAt, priority: 3, startWithinSeconds: 5 }])
        await expect(submitOnce(plain, other, 'options')).rejects.toMatchObject({ problem: 'idempotency-key-reused' });
      await submitOnce(plain, undefined, 'none');
      expect(await submitOnce(plain, undefined, 'none')).toMatchObject({ replayed: true });
      await expect(submitOnce(plain, { priority: 1 }, 'none')).rejects.toMatchObject({
        problem: 'idempotency-key-reused',
      });
      await test.queue.cancel(first.job);
    });

    it('gives the job also when its time to start is over by then', async () => {
      const startBefore = fromNow(SOON_MS);
      const { job } = await submitOnce(plain, { startBefore }, 'over');
      await storeReaches(startBefore);
      expect(await submitOnce(plain, { startBefore }, 'over')).toMatchObject({ replayed: true, job: { id: job.id } });
      await expect(submitOnce(plain, { startBefore }, 'new')).rejects.toMatchObject({ problem: 'invalid-input' });
    });
  });

  it.runIf(backend === 'redis')('may let a job expire, which is then found without a search', async () => {
    const redis = new Redis(test.url ?? '');
    onTestFinished(() => redis.disconnect());
    const jobs = [await submit(single), await submit(single, { startWithinSeconds: 60 }), await submit(single)];
    expect(await redis.llen(`${prefixOf('single')}wait`)).toBe(0);
    const waiting = await redis.zrange(`${prefixOf('single')}prioritized`, -3, '-1');
    expect(waiting).toEqual(jobs.map(({ id }) => id));
  });

  it('of a type apply where a submission does not say otherwise', async () => {
    const job = await submit(preset);
    const scheduledFor = new Date(job.createdAt.getTime() + HOUR_MS);
    expect(job.options).toMatchObject({ scheduledFor, priority: 2 });
    expect(Number(job.options?.startBefore)).toBeGreaterThan(scheduledFor.getTime() + 50_000);
    const given = await submit(preset, { delaySeconds: 0, priority: 0, startWithinSeconds: 5 });
    expect(Object.keys(given.options ?? {})).toEqual(['startBefore']);
    expect(Number(given.options?.startBefore)).toBeLessThan(given.createdAt.getTime() + 10_000);
    const runAt = fromNow(1000);
    expect((await submit(preset, { runAt })).options).toMatchObject({ scheduledFor: runAt });
  });
});
