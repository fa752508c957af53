import { describe, expect, it } from 'vitest';
import type { Interruption } from '../../src/core/attempt/attempt.ts';
import { Stop } from '../../src/core/attempt/stop.ts';
import { createRunningJobs } from '../../src/queue/worker/running-jobs.ts';

const FIRST = new Error('first');
const SECOND = new Error('second');

describe('the signal of a run', () => {
  it('is aborted with the first reason, whether it was read before or after', () => {
    const stop = new Stop();
    const { signal } = stop;
    expect(signal.aborted).toBe(false);
    stop.stop(FIRST);
    stop.stop(SECOND);
    expect([signal.reason, stop.reason, stop.signal]).toEqual([FIRST, FIRST, signal]);
    const late = new Stop();
    late.stop(FIRST);
    expect(late.signal.reason).toBe(FIRST);
  });

  it('abandons a promise that continues, and ignores its later failure', async () => {
    const { promise, reject } = Promise.withResolvers<never>();
    const stop = new Stop();
    const outcome = stop.unlessStopped(promise);
    stop.stop(FIRST);
    await expect(outcome).rejects.toBe(FIRST);
    reject(SECOND);
    await expect(stop.unlessStopped(Promise.resolve(1))).rejects.toBe(FIRST);
    await expect(new Stop().unlessStopped(Promise.resolve(1))).resolves.toBe(1);
  });
});

describe('the running jobs of a process', () => {
  it('are interrupted by id until they end', () => {
    const running = createRunningJobs();
    const received: Interruption[] = [];
    const end = running.add('a', (why) => void received.push(why));
    running.interrupt('a', 'canceled');
    running.interrupt('b', 'lost');
    end();
    running.interrupt('a', 'lost');
    expect(received).toEqual(['canceled']);
    expect(running.ids()).toEqual([]);
  });

  it('are all returned at shutdown, including those that start later', () => {
    const running = createRunningJobs();
    const received: string[] = [];
    running.add('a', (why) => void received.push(`a ${why}`));
    running.handBack();
    running.add('b', (why) => void received.push(`b ${why}`));
    expect(received).toEqual(['a handed-back', 'b handed-back']);
  });

  it('have one run each: a second run replaces a lost one, whose end does not affect it', () => {
    const running = createRunningJobs();
    const received: string[] = [];
    const endFirst = running.add('a', (why) => void received.push(`first ${why}`));
    running.add('a', (why) => void received.push(`second ${why}`));
    endFirst();
    running.interrupt('a', 'canceled');
    expect(received).toEqual(['first lost', 'second canceled']);
  });

  it('are listed if their lock has not been renewed since', () => {
    const running = createRunningJobs();
    running.add('a', () => undefined);
    const added = performance.now();
    running.add('b', () => undefined);
    while (performance.now() <= added + 1);
    const now = performance.now();
    expect(running.lockedBefore(now)).toEqual(['a', 'b']);
    running.lockedAgain(['b', 'c']);
    expect(running.lockedBefore(now)).toEqual(['a']);
  });
});
