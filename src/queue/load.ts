import { z } from 'zod';
import type { QueueLoad } from '../core/metrics.ts';
import { progressSchema } from './job-record.ts';

/** The most jobs of one type and state that are counted. */
export const MAX_WAITING_COUNTED = 100_000;

const time = z.coerce.number().catch(0);
const delaySchema = z.object({ delay: z.number() });

/** A waiting job's `timestamp`, `processedOn`, `progress` and `opts`. */
export type WaitingTimes = readonly [addedAt: unknown, startedAt: unknown, progress: unknown, options: unknown];

/** When a waiting job was last added, delayed, started, postponed or put back, in milliseconds since 1970. */
function waitingSince([addedAt, startedAt, progress, options]: WaitingTimes): number {
  const delay = delaySchema.safeParse(options).data?.delay ?? 0;
  return Math.max(time.parse(addedAt) + delay, time.parse(startedAt), progressSchema.safeParse(progress).data?.at ?? 0);
}

/**
 * @param firsts of the jobs that have waited longest
 * @param now by the clock of the store
 */
export function toLoad(
  counts: Omit<QueueLoad, 'oldestWaitingMs'>,
  firsts: readonly WaitingTimes[],
  now: number,
): QueueLoad {
  const since = firsts.length === 0 ? undefined : Math.min(...firsts.map(waitingSince));
  return { ...counts, oldestWaitingMs: since && Math.max(0, now - since) };
}
