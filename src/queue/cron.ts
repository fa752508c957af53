import { getNextMillis } from 'bullmq';
import type { CheckCron } from '../core/schedule.ts';

/** The parser takes absent fields for `*`, and `H` for a time that it draws anew each time that it is asked. */
const FORM = /^\s*(@\w+|((?!H)[^\s]+\s+){4,5}(?!H)[^\s]+)\s*$/i;

/** Asks the parser that BullMQ's job schedulers use. */
export const checkCron: CheckCron = (cron, timezone) => {
  if (!FORM.test(cron)) return 'expected five fields, or six with the seconds first';
  try {
    const next = getNextMillis(Date.now(), { pattern: cron, tz: timezone });
    return next === undefined || Number.isNaN(next) ? 'it names no time that comes' : undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

/** The times after one up to another, in milliseconds since 1970. */
export function timesBetween(after: number, upTo: number, repeat: { pattern: string; tz: string }): readonly number[] {
  const times: number[] = [];
  for (;;) {
    const next = getNextMillis(times.at(-1) ?? after, repeat);
    if (next === undefined || next > upTo) return times;
    times.push(next);
  }
}
