import type { Pace } from '../core/ports.ts';

/** How many of the last jobs a pace is computed from. */
export const PACE_SAMPLE = 20;

/** Start and end of a job that succeeded, in milliseconds since 1970. */
export interface Run {
  readonly startedAt: number;
  readonly finishedAt: number;
}

/**
 * @param runs the last ones, in any order
 * @param firstWaiting ids, in the order in which workers take them
 * @param fair whether callers take turns
 */
export function toPace(
  runs: readonly Run[],
  waiting: number,
  paused: boolean,
  firstWaiting: readonly string[] = [],
  fair = false,
): Pace {
  const durations = runs.map(({ startedAt, finishedAt }) => finishedAt - startedAt).toSorted((a, b) => a - b);
  const ends = runs.map(({ finishedAt }) => finishedAt);
  const durationMs = durations[Math.floor(durations.length / 2)];
  const interval = runs.length > 1 ? (Math.max(...ends) - Math.min(...ends)) / (runs.length - 1) : 0;
  // An interval longer than a job takes means that the queue was empty in between.
  const intervalMs = Math.min(interval, durationMs ?? 0);
  return { durationMs, intervalMs, waiting, firstWaiting, paused, ...(fair && { fair }) };
}
