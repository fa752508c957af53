import type { JobOptions } from './client-types.ts';

/** The options of a submission as the query of its URL, with `?`; empty without any. The server ignores parameters with other names. */
export function toQuery({ deduplication: dedupe, ...options }: JobOptions): string {
  const query = new URLSearchParams();
  const parameters = {
    ...options,
    dedupeId: dedupe?.id,
    dedupeSeconds: dedupe?.ttlSeconds,
    dedupeMode: dedupe?.mode,
  };
  for (const [name, values] of Object.entries(parameters)) {
    for (const value of [values].flat()) {
      if (value !== undefined) query.append(name, value instanceof Date ? value.toISOString() : String(value));
    }
  }
  return query.size === 0 ? '' : `?${query}`;
}
