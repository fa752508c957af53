import type { JobOptions } from './client-types.ts';

const NAMES = ['delaySeconds', 'runAt', 'startBefore', 'startWithinSeconds', 'priority', 'tags'] as const;

/** The options of a submission as the query of its URL, with `?`; empty without any. */
export function toQuery({ deduplication: dedupe, ...options }: JobOptions): string {
  const query = new URLSearchParams();
  const parameters = [
    ...NAMES.map((name) => [name, options[name]] as const),
    ['dedupeId', dedupe?.id],
    ['dedupeSeconds', dedupe?.ttlSeconds],
    ['dedupeMode', dedupe?.mode],
  ] as const;
  for (const [name, given] of parameters) {
    for (const value of [given].flat()) {
      if (value !== undefined) query.append(name, value instanceof Date ? value.toISOString() : String(value));
    }
  }
  return query.size === 0 ? '' : `?${query}`;
}
