import { describe, expect, it } from 'vitest';
import { HISTORY_MINUTES } from '../../src/core/job-type-stats.ts';
import { type TypeRead, toTypeState } from '../../src/queue/type-state.ts';

const COUNTS = { pending: 0, running: 0, succeeded: 0, failed: 0, canceled: 0, exact: true };
const MINUTE = 29_000_000;
/** A quarter of the minute is over. */
const NOW = MINUTE * 60_000 + 15_000;
const HOUR = Math.floor(MINUTE / 60);
const state = (read: Partial<TypeRead>) =>
  toTypeState({ now: NOW, paused: false, oldestReadyAt: null, runs: [], minutes: [], hours: [], ...read }, COUNTS);

describe('the state of a job type', () => {
  it('counts what ended in the last minute and hour, with a share of the oldest minute', () => {
    const minutes: TypeRead['minutes'] = [
      [MINUTE, 1, 10],
      [MINUTE - 1, 8, 4],
      [MINUTE - 59, 100, 0],
      [MINUTE - 60, 40, 4],
    ];
    const { lastMinute, lastHour, history } = state({ minutes });
    expect(lastMinute).toEqual({ succeeded: 1 + 6, failed: 10 + 3 });
    expect(lastHour).toEqual({ succeeded: 1 + 8 + 100 + 30, failed: 10 + 4 + 3 });
    expect(history.succeeded).toHaveLength(HISTORY_MINUTES);
    expect([history.succeeded.at(-1), history.succeeded.at(-2), history.succeeded[0]]).toEqual([1, 8, 100]);
    expect(history.failed.at(-1)).toBe(10);
  });

  it('counts what ended in the last day by hours', () => {
    const hours: TypeRead['hours'] = [
      [HOUR, 1, 0],
      [HOUR - 23, 10, 2],
      [HOUR - 24, 3600, 0],
    ];
    const share = 1 - (NOW % 3_600_000) / 3_600_000;
    expect(state({ hours }).lastDay).toEqual({ succeeded: 11 + Math.round(3600 * share), failed: 2 });
  });

  it('has percentiles of the runs whose times are known', () => {
    const runs = Array.from({ length: 100 }, (_, index): TypeRead['runs'][number] => [
      index === 0 ? null : 1000,
      2000 + index * 10,
      2500 + index * 20,
    ]);
    expect(state({ runs })).toMatchObject({ duration: { p50: 0.99, p95: 1.44 }, waiting: { p50: 1.5, p95: 1.95 } });
    expect(state({})).toMatchObject({ duration: null, waiting: null, oldestWaitingSeconds: null });
  });

  it('has no negative times where clocks differ', () => {
    const { waiting, oldestWaitingSeconds } = state({ runs: [[2000, 1000, 1500]], oldestReadyAt: NOW + 5000 });
    expect(waiting).toEqual({ p50: 0, p95: 0 });
    expect(oldestWaitingSeconds).toBe(0);
  });
});
