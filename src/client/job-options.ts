import type { JobOptions } from './client-types.ts';

const NAMES = [
  'delaySeconds',
  'runAt',
  'startBefore',
  'startWithinSeconds',
  'priority',
  'tags',
] as const satisfies readonly (keyof JobOptions)[];

/** The options of a submission as the query of its URL, with `?`; empty without any. */
export function toQuery(options: JobOptions): string {
  const query = new URLSearchParams();
  for (const name of NAMES) {
    for (const value of [options[name]].flat()) {
      if (value !== undefined) query.append(name, value instanceof Date ? value.toISOString() : String(value));
    }
  }
  return query.size === 0 ? '' : `?${query}`;
}
