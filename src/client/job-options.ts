import type { JobOptions } from './client-types.ts';

/** The options of a submission as the query of its URL, with `?`; empty without any. The server ignores parameters with other names. */
export function toQuery(options: JobOptions): string {
  const query = new URLSearchParams();
  for (const [name, values] of Object.entries<JobOptions[keyof JobOptions]>({ ...options })) {
    for (const value of [values].flat()) {
      if (value !== undefined) query.append(name, value instanceof Date ? value.toISOString() : String(value));
    }
  }
  return query.size === 0 ? '' : `?${query}`;
}
