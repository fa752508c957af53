import { z } from 'zod';
import {
  HISTORY_MINUTES,
  type JobCounts,
  type JobTypeState,
  type JobTypeThroughput,
  type Percentiles,
} from '../core/job-type-stats.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** The number of a period since 1970, and how many of the jobs that ended in it succeeded and failed. */
const endsSchema = z.array(z.tuple([z.number(), z.number(), z.number()]));
type Ends = z.output<typeof endsSchema>;

/** What every store reads of a job type, in one step. Times are milliseconds since 1970 by the clock of the store. */
export const typeReadSchema = z.object({
  now: z.number(),
  paused: z.boolean(),
  /** When the job became ready that has been so for longest. */
  oldestReadyAt: z.number().nullable(),
  /** The last successful runs. `readyAt` is null where it is unknown, as for a job with several attempts. */
  runs: z.array(z.tuple([z.number().nullable(), z.number(), z.number()])),
  /** Of the current minute and as many before it as HISTORY_MINUTES; without those in which none ended. */
  minutes: endsSchema,
  /** Of the current hour and 24 before it. */
  hours: endsSchema,
});
export type TypeRead = z.output<typeof typeReadSchema>;

/** @param counts of the jobs by status */
export function toTypeState(
  { now, paused, oldestReadyAt, runs, minutes, hours }: TypeRead,
  counts: JobCounts,
): JobTypeState {
  const current = Math.floor(now / MINUTE_MS);
  const byMinute = new Map(minutes.map(([minute, succeeded, failed]) => [minute, { succeeded, failed }]));
  const history = Array.from(
    { length: HISTORY_MINUTES },
    (_, index) => byMinute.get(current - HISTORY_MINUTES + 1 + index) ?? { succeeded: 0, failed: 0 },
  );
  return {
    paused,
    counts,
    lastMinute: sumOf(minutes, MINUTE_MS, 1, now),
    lastHour: sumOf(minutes, MINUTE_MS, 60, now),
    lastDay: sumOf(hours, HOUR_MS, 24, now),
    oldestWaitingSeconds: oldestReadyAt === null ? null : Math.max(0, now - oldestReadyAt) / 1000,
    duration: percentilesOf(runs.map(([, startedAt, finishedAt]) => finishedAt - startedAt)),
    waiting: percentilesOf(runs.flatMap(([readyAt, startedAt]) => (readyAt === null ? [] : [startedAt - readyAt]))),
    history: { succeeded: history.map(({ succeeded }) => succeeded), failed: history.map(({ failed }) => failed) },
  };
}

/**
 * What ended within a time: in the current period, in the whole ones before it, and in the share of the oldest that is still within.
 * @param length of the time, in periods
 */
function sumOf(ends: Ends, periodMs: number, length: number, now: number): JobTypeThroughput {
  const current = Math.floor(now / periodMs);
  const share = 1 - (now % periodMs) / periodMs;
  let [ofSucceeded, ofFailed] = [0, 0];
  for (const [period, succeeded, failed] of ends) {
    const weight = period > current - length ? 1 : period === current - length ? share : 0;
    ofSucceeded += weight * succeeded;
    ofFailed += weight * failed;
  }
  return { succeeded: Math.round(ofSucceeded), failed: Math.round(ofFailed) };
}

/** By the nearest rank. @param times in milliseconds, in any order */
function percentilesOf(times: readonly number[]): Percentiles | null {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (percent: number): number => {
    const ms = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? 0;
    // The clocks of the process that accepted a job and of the one that ran it may differ.
    return Math.max(0, ms) / 1000;
  };
  return sorted.length === 0 ? null : { p50: at(50), p95: at(95) };
}
