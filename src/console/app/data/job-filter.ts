import type { JobStatus } from './generated/graphql.ts';

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
  /** How long ago the oldest was created, such as `1h`; or a time (RFC 3339). */
  readonly from?: string;
  readonly to?: string;
}

export const NO_FILTER: JobFilter = { statuses: [] };

export function readFilter(query: Readonly<Record<string, string | undefined>>): JobFilter {
  const wanted = new Set(query['status']?.toUpperCase().split(','));
  const { type, caller, from, to } = query;
  return {
    statuses: STATUSES.filter((status) => wanted.has(status)),
    ...(type && { type }),
    ...(caller && { caller }),
    ...(from && { from }),
    ...(to && { to }),
  };
}

/** The query of the filter's URL, without `?`. */
export function toQuery({ type, statuses, caller, from, to }: JobFilter, after?: string): string {
  const entries = { type, status: statuses.join(',').toLowerCase(), caller, from, to, after };
  const set = Object.entries(entries).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return new URLSearchParams(set).toString().replaceAll('%2C', ',').replaceAll('%3A', ':');
}

export function isFiltered(filter: JobFilter): boolean {
  return toQuery(filter) !== '';
}
