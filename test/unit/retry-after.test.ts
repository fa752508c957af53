import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Job, PendingJob, RunningJob } from '../../src/core/job.ts';
import { FIRST_WAITING, type Pace } from '../../src/core/ports.ts';
import { createRetryAfterEstimator, estimateRetryAfter } from '../../src/core/service/retry-after.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { toPace } from '../../src/queue/pace.ts';

const NOW = 1_000_000_000;
const base = {
  id: 'x',
  type: 'x',
  caller: 'x',
  percentComplete: 0,
  message: null,
  attempt: 0,
  maxAttempts: 3,
  createdAt: new Date(NOW),
  lastUpdatedAt: new Date(NOW),
  history: [],
};
const pending: PendingJob = { ...base, status: 'Pending', startedAt: null };
const dueIn = (ms: number): Job => ({ ...pending, options: { scheduledFor: new Date(NOW + ms) } });
const runningFor = (ms: number): RunningJob => ({
  ...base,
  status: 'Running',
  attempt: 1,
  startedAt: new Date(NOW - ms),
});

describe('Retry-After', () => {
  it.each<[string, Job, { durationMs?: number; intervalMs?: number; waiting?: number }, number]>([
    ['no pace is known', pending, {}, 1],
    ['no pace is known, and many jobs wait', pending, { waiting: 1000 }, 1],
    ['the job is due in 20 s', dueIn(20_000), { durationMs: 5, intervalMs: 5 }, 20],
    ['the job is due in an hour', dueIn(3_600_000), { durationMs: 5, intervalMs: 5 }, 60],
    ['the job is due', dueIn(-1000), { durationMs: 5000, intervalMs: 5 }, 5],
    ['jobs are fast', pending, { durationMs: 5, intervalMs: 5 }, 1],
    ['jobs take 10 s', pending, { durationMs: 10_000 }, 10],
    ['jobs take a little more than 10 s', pending, { durationMs: 10_001 }, 11],
    ['100 jobs wait, and one ends every 200 ms', pending, { durationMs: 1000, intervalMs: 200, waiting: 100 }, 21],
    ['more jobs wait than a minute allows', pending, { durationMs: 1000, intervalMs: 1000, waiting: 1000 }, 60],
    ['the job runs, and no pace is known', runningFor(0), {}, 1],
    ['the job runs, and needs 6 s more', runningFor(4000), { durationMs: 10_000 }, 5],
    ['the job runs, and needs 3 s more', runningFor(7000), { durationMs: 10_000 }, 3],
    ['the job was told to stop', { ...runningFor(0), cancelRequested: true }, { durationMs: 10_000 }, 1],
    [
      'the job runs, while many others wait',
      runningFor(4000),
      { durationMs: 10_000, intervalMs: 100, waiting: 1000 },
      5,
    ],
    ['the job is about to end', runningFor(9999), { durationMs: 10_000 }, 1],
    ['the job runs longer than usual', runningFor(20_000), { durationMs: 10_000 }, 4],
    ['the job runs far longer than usual', runningFor(3_600_000), { durationMs: 10_000 }, 5],
    ['the job needs about an hour', runningFor(0), { durationMs: 3_600_000 }, 5],
    ['the job started on a machine whose clock is ahead', runningFor(-5000), { durationMs: 1000 }, 5],
  ])('%s', (_, job, { durationMs, intervalMs = 0, waiting = 0 }, seconds) => {
    expect(estimateRetryAfter(job, { durationMs, intervalMs, waiting, paused: false }, NOW)).toBe(seconds);
  });
});

it('a job of a paused type is asked for again after 10 s at least', () => {
  const pace = { durationMs: 1000, intervalMs: 1000, waiting: 0, paused: true };
  expect(estimateRetryAfter(pending, pace, NOW)).toBe(10);
  expect(estimateRetryAfter(pending, { ...pace, waiting: 30 }, NOW)).toBe(31);
  expect(estimateRetryAfter(runningFor(0), pace, NOW)).toBe(1);
});

describe('a pace', () => {
  const run = (startedAt: number, finishedAt: number) => ({ startedAt, finishedAt });

  it('is unknown before a job succeeded', () => {
    expect(toPace([], 7, true)).toEqual({
      durationMs: undefined,
      intervalMs: 0,
      waiting: 7,
      firstWaiting: [],
      paused: true,
    });
  });

  it('has the median duration, and the time between two ends', () => {
    const runs = [run(0, 100), run(0, 200), run(200, 9000), run(300, 400)];
    expect(toPace(runs, 0, false)).toMatchObject({ durationMs: 200, intervalMs: 200, waiting: 0 });
    expect(toPace([run(0, 100), run(0, 130), run(0, 160)], 0, false)).toMatchObject({
      durationMs: 130,
      intervalMs: 30,
    });
  });

  it('does not count idle time as the duration of a job', () => {
    const hour = 3_600_000;
    const runs = [run(0, 50), run(hour, hour + 40), run(2 * hour, 2 * hour + 60)];
    expect(toPace(runs, 1, false)).toMatchObject({ durationMs: 50, intervalMs: 50, waiting: 1 });
  });
});

describe('the estimates', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: NOW }));
  afterEach(() => void vi.useRealTimers());

  const succeeded: Job = {
    ...base,
    status: 'Succeeded',
    startedAt: new Date(NOW),
    finishedAt: new Date(NOW),
    expiresAt: new Date(NOW + 1000),
    result: null,
  };
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  /** Estimates from paces that a test sets. */
  function setUp() {
    const measured: string[] = [];
    let pace: () => Promise<Pace> = async () => ({ durationMs: 7000, intervalMs: 3000, waiting: 0, paused: false });
    const readPace = (type: string): Promise<Pace> => {
      measured.push(type);
      return pace();
    };
    const estimator = createRetryAfterEstimator({ readPace }, createLogger('silent'));
    return { measured, estimator, paceIs: (next: () => Promise<Pace>) => void (pace = next) };
  }

  it('are one second until the pace has been measured in the background', async () => {
    const { estimator } = setUp();
    expect(estimator.estimate(pending)).toBe(1);
    expect(estimator.estimateRoom('x')).toBe(1);
    await settle();
    expect(estimator.estimate(pending)).toBe(7);
    expect(estimator.estimateRoom('x')).toBe(3);
  });

  it('tell how many jobs are before one that waits, where that was measured', async () => {
    const { estimator, paceIs } = setUp();
    const now = Date.now();
    const waits = (id: string, more: Partial<PendingJob> = {}): Job => ({
      ...pending,
      id,
      createdAt: new Date(now),
      ...more,
    });
    const pace = { durationMs: 1, intervalMs: 1, paused: false };
    paceIs(async () => ({ ...pace, waiting: 2, firstWaiting: ['a', 'b'] }));
    expect(estimator.estimatePosition(waits('b'))).toBeNull();
    await settle();
    expect(estimator.estimatePosition(waits('a'))).toBe(0);
    expect(estimator.estimatePosition(waits('b'))).toBe(1);
    // It was added since.
    expect(estimator.estimatePosition(waits('c'))).toBe(2);
    for (const other of [
      waits('c', { createdAt: new Date(now - 60_000) }),
      waits('c', { attempt: 1 }),
      waits('c', { options: { priority: 1 } }),
      waits('a', { options: { scheduledFor: new Date(now + 60_000) } }),
      { ...waits('a'), status: 'Running', startedAt: new Date(now) } as const,
    ])
      expect(estimator.estimatePosition(other)).toBeNull();
  });

  it('count the jobs before one, where its place is known, and otherwise all', async () => {
    const { estimator, paceIs } = setUp();
    const pace = { durationMs: 1000, intervalMs: 1000, paused: false };
    paceIs(async () => ({ ...pace, waiting: 40, firstWaiting: ['a', 'b', 'c'] }));
    const job = { ...pending, createdAt: new Date(NOW - 60_000) };
    estimator.estimate(job);
    await settle();
    expect(estimator.estimate({ ...job, id: 'c' })).toBe(3);
    expect(estimator.estimate({ ...job, id: 'other' })).toBe(41);
  });

  it('count, where callers take turns, no more than the jobs before one', async () => {
    const { estimator, paceIs } = setUp();
    const firstWaiting = ['a', 'b'];
    const job = { ...pending, id: 'new', createdAt: new Date() };
    paceIs(async () => ({
      durationMs: 1000,
      intervalMs: 1000,
      paused: false,
      waiting: 50_000,
      firstWaiting,
      fair: true,
    }));
    estimator.estimate(job);
    await settle();
    expect(estimator.estimate({ ...job, id: 'b' })).toBe(2);
    // It was added since, and may be the first one of its caller.
    expect(estimator.estimate(job)).toBe(1);
    expect(estimator.estimatePosition(job)).toBeNull();
    expect(estimator.estimate({ ...job, createdAt: new Date(0) })).toBe(60);
  });

  it('know no place beyond the first 1,000', async () => {
    const { estimator, paceIs } = setUp();
    const firstWaiting = Array.from({ length: FIRST_WAITING }, (_, index) => `${index}`);
    paceIs(async () => ({ durationMs: 1, intervalMs: 1, paused: false, waiting: 5000, firstWaiting }));
    const job = { ...pending, id: 'new', createdAt: new Date() };
    estimator.estimatePosition(job);
    await settle();
    expect(estimator.estimatePosition(job)).toBeNull();
    expect(estimator.estimatePosition({ ...job, id: '999' })).toBe(999);
  });

  it('measure the pace of each type at most once a second', async () => {
    const { estimator, measured } = setUp();
    estimator.estimate(pending);
    estimator.estimate(pending);
    estimator.estimate({ ...pending, type: 'y' });
    expect(measured).toEqual(['x', 'y']);
    await settle();
    vi.setSystemTime(NOW + 1000);
    estimator.estimate(pending);
    expect(measured).toEqual(['x', 'y']);
    vi.setSystemTime(NOW + 1001);
    expect(estimator.estimate(pending)).toBe(7);
    expect(measured).toEqual(['x', 'y', 'x']);
  });

  it('stay as they were while the pace cannot be measured', async () => {
    const { estimator, paceIs, measured } = setUp();
    estimator.estimate(pending);
    await settle();
    paceIs(async () => {
      throw new Error('unavailable');
    });
    vi.setSystemTime(NOW + 1001);
    estimator.estimate(pending);
    await settle();
    expect(estimator.estimate(pending)).toBe(7);
    expect(measured).toEqual(['x', 'x']);
  });

  it('are null for a job that is done, without a measurement', () => {
    const { estimator, measured } = setUp();
    expect(estimator.estimate(succeeded)).toBeNull();
    expect(measured).toEqual([]);
  });
});
