import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ServiceError } from '../../src/core/errors.ts';
import { type FollowedJob, listenForEnd, watchJob } from '../../src/core/service/follow.ts';
import { type Job, type SucceededJob, JOB_CANCELED } from '../../src/core/job.ts';
import type { JobEvent } from '../../src/core/ports.ts';

const never = new AbortController().signal;
const at = (ms: number): Date => new Date(1_000_000 + ms);
const base = {
  id: 'x',
  type: 'x',
  caller: 'x',
  percentComplete: 0,
  message: null,
  attempt: 0,
  maxAttempts: 3,
  createdAt: at(0),
  lastUpdatedAt: at(0),
  history: [],
};
const pending: Job = { ...base, status: 'Pending', startedAt: null };
const running: Job = {
  ...base,
  status: 'Running',
  attempt: 1,
  startedAt: at(1),
  lastUpdatedAt: at(2),
  percentComplete: 5,
};
const canceled: Job = {
  ...base,
  status: 'Canceled',
  startedAt: null,
  finishedAt: at(9),
  lastUpdatedAt: at(9),
  expiresAt: at(99),
  error: JOB_CANCELED,
};
const succeeded: SucceededJob = {
  ...running,
  status: 'Succeeded',
  percentComplete: 100,
  finishedAt: at(9),
  lastUpdatedAt: at(9),
  expiresAt: at(99),
  startedAt: at(1),
  result: 'result',
};
const progress = (percentComplete: number, ms: number): JobEvent => ({
  kind: 'progress',
  percentComplete,
  message: null,
  at: at(ms),
});

/** A job whose state and events a test sets. */
function scriptedJob(state: Job) {
  const listeners = new Set<(event: JobEvent) => void>();
  let now: Job | undefined = state;
  let reads = 0;
  let unavailable = false;
  const followed: FollowedJob = {
    id: state.id,
    events: {
      subscribe(_, listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      subscribeAll: async () => () => undefined,
      subscribeType: () => () => undefined,
    },
    async read() {
      reads += 1;
      if (unavailable) throw new ServiceError('queue-unavailable', 'Scripted.');
      return now;
    },
    isVisible: ({ createdAt }) => createdAt >= at(0),
  };
  return {
    followed,
    becomes: (next: Job | undefined) => void (now = next),
    publish(event: JobEvent) {
      for (const listener of listeners) listener(event);
    },
    listeners: () => listeners.size,
    reads: () => reads,
    isUnavailable: (next: boolean) => void (unavailable = next),
  };
}

describe('watching a job', () => {
  it('continues after an end that a retry has undone', async () => {
    const { followed, becomes, publish, listeners } = scriptedJob(pending);
    const states = watchJob(followed, never);
    expect((await states.next()).value).toEqual(pending);
    const next = states.next();
    publish({ kind: 'finished' });
    publish({ kind: 'waiting' });
    await new Promise((resolve) => void setImmediate(resolve));
    becomes(canceled);
    publish({ kind: 'finished' });
    expect((await next).value).toEqual(canceled);
    expect((await states.next()).done).toBe(true);
    expect(listeners()).toBe(0);
  });

  it('reads the job again on progress of an attempt whose start it has missed', async () => {
    const { followed, becomes, publish } = scriptedJob(pending);
    const states = watchJob(followed, never);
    await states.next();
    becomes(running);
    const next = states.next();
    const toldAt = performance.now();
    publish(progress(5, 2));
    expect((await next).value).toMatchObject({ status: 'Running', percentComplete: 0 });
    expect((await states.next()).value).toEqual(running);
    // At once, rather than after 5 s of silence.
    expect(performance.now() - toldAt).toBeLessThan(4000);
    const later = states.next();
    publish(progress(4, 1));
    publish(progress(5, 2));
    publish(progress(6, 3));
    expect((await later).value).toMatchObject({ status: 'Running', percentComplete: 6, lastUpdatedAt: at(3) });
    await states.return();
  });

  it('takes the succeeded job from its final event, with the steps before', async () => {
    const { followed, publish, listeners } = scriptedJob(pending);
    const states = watchJob(followed, never);
    await states.next();
    const next = states.next();
    publish({ kind: 'finished', job: succeeded });
    expect((await next).value).toMatchObject({ status: 'Running', attempt: 1 });
    expect((await states.next()).value).toEqual(succeeded);
    expect((await states.next()).done).toBe(true);
    expect(listeners()).toBe(0);
  });

  it('takes the succeeded job from its final event while the first read is in progress', async () => {
    const { followed, publish, listeners } = scriptedJob(pending);
    const reading = Promise.withResolvers<Job>();
    const states = watchJob({ ...followed, read: () => reading.promise }, never);
    const first = states.next();
    publish({ kind: 'finished', job: { ...succeeded, createdAt: at(-1) } });
    publish({ kind: 'finished', job: succeeded });
    expect((await first).value).toEqual(succeeded);
    reading.reject(new Error('too late'));
    expect((await states.next()).done).toBe(true);
    expect(listeners()).toBe(0);
  });

  it('ends without a final state if the job was removed', async () => {
    const { followed, becomes, publish, listeners } = scriptedJob(pending);
    const states = watchJob(followed, never);
    await states.next();
    becomes(undefined);
    const next = states.next();
    publish({ kind: 'lost' });
    expect((await next).done).toBe(true);
    expect(listeners()).toBe(0);
  });
});

describe('waiting for a job', () => {
  it('continues after an end that a retry has undone', async () => {
    const { followed, becomes, publish, listeners } = scriptedJob(pending);
    const wait = listenForEnd(followed);
    const done = wait.until(30_000, never);
    await new Promise((resolve) => void setImmediate(resolve));
    publish({ kind: 'finished' });
    await new Promise((resolve) => void setImmediate(resolve));
    becomes(canceled);
    publish({ kind: 'finished' });
    expect(await done).toEqual(canceled);
    wait.close();
    expect(listeners()).toBe(0);
  });

  it('takes the succeeded job from its final event', async () => {
    const { followed, publish } = scriptedJob(pending);
    const wait = listenForEnd(followed);
    const done = wait.until(30_000, never, pending);
    publish({ kind: 'finished', job: succeeded });
    expect(await done).toEqual(succeeded);
    wait.close();
  });

  it('reads the job if the event brings one that the caller may not see', async () => {
    const { followed, becomes, publish } = scriptedJob(pending);
    const wait = listenForEnd(followed);
    const done = wait.until(30_000, never, pending);
    becomes(canceled);
    publish({ kind: 'finished', job: { ...succeeded, createdAt: at(-1) } });
    expect(await done).toEqual(canceled);
    wait.close();
  });
});

describe('silence', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
  afterEach(() => void vi.useRealTimers());

  /** Lets the follower process pending events. */
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const pass = async (ms: number): Promise<void> => {
    vi.advanceTimersByTime(ms);
    await settle();
  };

  it('makes a watcher read the job after 5 s, then after twice as long up to 40 s, and after 5 s again from the next event on', async () => {
    const { followed, becomes, publish, reads } = scriptedJob(pending);
    const states = watchJob(followed, never);
    await states.next();
    const next = states.next();
    await settle();
    let expected = 1;
    for (const seconds of [5, 10, 20, 40, 40]) {
      await pass(seconds * 1000 - 1);
      expect(reads()).toBe(expected);
      await pass(1);
      expect(reads()).toBe((expected += 1));
    }
    publish({ kind: 'waiting' });
    await settle();
    expect(reads()).toBe((expected += 1));
    becomes(canceled);
    await pass(5000);
    expect((await next).value).toEqual(canceled);
  });

  it('makes a watcher read every 5 s while the queue is unavailable', async () => {
    const { followed, becomes, reads, isUnavailable } = scriptedJob(pending);
    const states = watchJob(followed, never);
    await states.next();
    const next = states.next();
    await settle();
    isUnavailable(true);
    for (let read = 2; read < 6; read += 1) {
      await pass(5000);
      expect(reads()).toBe(read);
    }
    isUnavailable(false);
    becomes(canceled);
    await pass(5000);
    expect((await next).value).toEqual(canceled);
  });

  it('makes a waiter read the job every 5 s, and at once if events were lost', async () => {
    const { followed, becomes, publish, reads } = scriptedJob(pending);
    const wait = listenForEnd(followed);
    const done = wait.until(60_000, never);
    await settle();
    await pass(4999);
    expect(reads()).toBe(1);
    await pass(1);
    expect(reads()).toBe(2);
    publish({ kind: 'lost' });
    await settle();
    expect(reads()).toBe(3);
    becomes(canceled);
    await pass(5000);
    expect(await done).toEqual(canceled);
    wait.close();
  });

  it('ends a wait with the current job when its time is over or its signal is aborted', async () => {
    const { followed, reads } = scriptedJob(pending);
    const wait = listenForEnd(followed);
    const inTime = wait.until(3000, never, pending);
    await settle();
    await pass(3000);
    expect(await inTime).toEqual(pending);
    expect(reads()).toBe(1);
    const controller = new AbortController();
    const aborted = wait.until(60_000, controller.signal, pending);
    await settle();
    controller.abort();
    expect(await aborted).toEqual(pending);
    expect(reads()).toBe(2);
    wait.close();
  });

  it('ends a watch when its signal is aborted, without another read', async () => {
    const { followed, reads, listeners } = scriptedJob(pending);
    const controller = new AbortController();
    const states = watchJob(followed, controller.signal);
    await states.next();
    const next = states.next();
    await settle();
    controller.abort();
    expect((await next).done).toBe(true);
    expect(reads()).toBe(1);
    expect(listeners()).toBe(0);
  });

  it('is not ended by the start of an attempt that a read has shown', async () => {
    const { followed, becomes, publish, reads } = scriptedJob(running);
    const states = watchJob(followed, never);
    await states.next();
    const next = states.next();
    await settle();
    publish({ kind: 'started' });
    await settle();
    expect(reads()).toBe(1);
    becomes(canceled);
    publish({ kind: 'finished' });
    expect((await next).value).toEqual(canceled);
  });
});

describe('waiting for the end of a job', () => {
  it('goes on when events are back after an outage before reads are', async () => {
    const { followed, becomes, publish, isUnavailable, reads } = scriptedJob(pending);
    const wait = listenForEnd(followed);
    const ended = wait.until(60_000, never);
    await new Promise((resolve) => void setImmediate(resolve));
    isUnavailable(true);
    publish({ kind: 'lost' });
    await new Promise((resolve) => void setImmediate(resolve));
    expect(reads()).toBe(2);
    isUnavailable(false);
    becomes(canceled);
    publish({ kind: 'finished' });
    expect(await ended).toEqual(canceled);
    wait.close();
  });
});
