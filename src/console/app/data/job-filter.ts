import type { JobFilter as ApiFilter, JobStatus } from './generated/graphql.ts';

export const STATUSES = [
  'PENDING',
  'RUNNING',
  'SUCCEEDED',
  'FAILED',
  'CANCELED',
] as const satisfies readonly JobStatus[];

/** What the list shows, as its URL has it. */
export interface JobFilter {
  readonly type?: string;
  readonly statuses: readonly JobStatus[];
  readonly caller?: string;
  readonly tag?: string;
  /** How long ago the oldest was created, such as `1h`; or a time (RFC 3339). */
  readonly from?: string;
  readonly to?: string;
}

export const NO_FILTER: JobFilter = { statuses: [] };

export function readFilter(query: Readonly<Record<string, string | undefined>>): JobFilter {
  const wanted = new Set(query['status']?.toUpperCase().split(','));
  const { type, caller, tag, from, to } = query;
  return {
    statuses: STATUSES.filter((status) => wanted.has(status)),
    ...(type && { type }),
    ...(caller && { caller }),
    ...(tag && { tag }),
    ...(from && { from }),
    ...(to && { to }),
  };
}

/** The query of the filter's URL, without `?`. */
export function toQuery({ type, statuses, caller, tag, from, to }: JobFilter, after?: string): string {
  const entries = { type, status: statuses.join(',').toLowerCase(), caller, tag, from, to, after };
  const set = Object.entries(entries).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return new URLSearchParams(set).toString().replaceAll('%2C', ',').replaceAll('%3A', ':');
}

export function isFiltered(filter: JobFilter): boolean {
  return toQuery(filter) !== '';
}

/** The filter as the API takes it. */
export function toApiFilter({ type, statuses, caller, tag, from, to }: JobFilter, now: number): ApiFilter {
  const createdAfter = toInstant(from, now);
  const createdBefore = toInstant(to, now);
  return {
    ...(type !== undefined && { type }),
    ...(statuses.length > 0 && { status: [...statuses] }),
    ...(caller !== undefined && { caller }),
    ...(tag !== undefined && { tag }),
    ...(createdAfter !== undefined && { createdAfter }),
    ...(createdBefore !== undefined && { createdBefore }),
  };
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time of the filter ; undefined for none, and for one that is not valid. */
function toInstant(time: string | undefined, now: number): string | undefined {
  if (time === undefined) return undefined;
  const [, count, unit] = /^(\d{1,5})([mhd])$/.exec(time) ?? [];
  const at = count === undefined ? Date.parse(time) : now - Number(count) * (UNITS[unit ?? ''] ?? 0);
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}
