import type { JobStatus } from '../../core/job.ts';
import type { ListPosition, ListQuery } from '../../core/ports.ts';
import { type JobRecord, statusOf } from '../job-record.ts';
import type { RedisClient } from './client.ts';

/**
 * The order of creation, which BullMQ does not keep on Redis: for each type and caller a sorted set of ids by `createdAt`
 * for the jobs that are not done, and one for each final status.
 *
 * An entry is written before its job, or with it, and removed with its job or after. A crash can leave an entry without a job, or in the
 * wrong set, but no job without an entry. Readers compare each entry with its job, and skip it if they differ.
 */
export type IndexSet = 'open' | 'Succeeded' | 'Failed' | 'Canceled';

/** In the order in which they are read, so that a job that ends meanwhile is found in its new set. */
const SETS: readonly IndexSet[] = ['open', 'Succeeded', 'Failed', 'Canceled'];

const SET_OF: Readonly<Record<JobStatus, IndexSet>> = {
  Pending: 'open',
  Running: 'open',
  Succeeded: 'Succeeded',
  Failed: 'Failed',
  Canceled: 'Canceled',
};

export function indexKey(prefix: string, set: IndexSet, caller: string): string {
  return `${prefix}index:${set}:${caller}`;
}

/** The index of one type's jobs. */
export interface IndexedType {
  readonly type: string;
  readonly prefix: string;
  read(ids: readonly string[]): Promise<(JobRecord | undefined)[]>;
}

interface Entry extends ListPosition {
  readonly type: IndexedType;
}

export async function listJobs(
  client: RedisClient,
  types: readonly IndexedType[],
  { caller, statuses, after, limit }: ListQuery,
): Promise<JobRecord[]> {
  const found = new Map<string, JobRecord>();
  let from = after;
  for (;;) {
    const entries = await nextEntries(client, types, { caller, statuses, after: from, limit });
    for (const [entry, record] of await readAll(entries)) {
      if (record?.createdAt !== entry.createdAt.getTime() || record.caller !== caller) continue;
      if (statuses.includes(statusOf(record)) && found.size < limit) found.set(record.id, record);
    }
    from = entries.at(-1);
    if (found.size >= limit || from === undefined) return [...found.values()];
  }
}

/** The next entries after a position, in order, from all sets that may have jobs with these statuses. */
async function nextEntries(
  client: RedisClient,
  types: readonly IndexedType[],
  { caller, statuses, after, limit }: Omit<ListQuery, 'types'>,
): Promise<Entry[]> {
  const sets = SETS.filter((set) => statuses.some((status) => SET_OF[status] === set));
  const onlyRunning = statuses.every((status) => status === 'Running');
  const lists = await Promise.all(
    types.flatMap((type) =>
      // There may be many unfinished jobs, of which few run.
      onlyRunning
        ? [readActive(client, type, after)]
        : sets.map((set) => readSet(client, type, indexKey(type.prefix, set, caller), after, limit)),
    ),
  );
  return lists.flat().toSorted(newestFirst).slice(0, limit);
}

async function readSet(
  client: RedisClient,
  type: IndexedType,
  key: string,
  after: ListPosition | undefined,
  limit: number,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  // Entries of the same millisecond are read again, in the reverse order of their ids.
  const from = after?.createdAt.getTime() ?? '+inf';
  for (let offset = 0; entries.length < limit; offset += limit) {
    const reply = await client.zrevrangebyscore(key, from, '-inf', 'WITHSCORES', 'LIMIT', offset, limit);
    for (let index = 0; index < reply.length; index += 2) {
      const entry = { type, id: reply[index] ?? '', createdAt: new Date(Number(reply[index + 1])) };
      if (isAfter(entry, after)) entries.push(entry);
    }
    if (reply.length < 2 * limit) break;
  }
  return entries;
}

/** Running jobs are bounded by the concurrency of the workers. */
async function readActive(client: RedisClient, type: IndexedType, after: ListPosition | undefined): Promise<Entry[]> {
  const ids = await client.lrange(`${type.prefix}active`, 0, -1);
  const records = ids.length === 0 ? [] : await type.read(ids);
  return records.flatMap((record) => {
    const entry = record && { type, id: record.id, createdAt: new Date(record.createdAt) };
    return entry && isAfter(entry, after) ? [entry] : [];
  });
}

async function readAll(entries: readonly Entry[]): Promise<[Entry, JobRecord | undefined][]> {
  const records = new Map<string, JobRecord | undefined>();
  const byType = Map.groupBy(entries, ({ type }) => type);
  await Promise.all(
    [...byType].map(async ([type, ofType]) => {
      for (const record of await type.read(ofType.map(({ id }) => id))) if (record) records.set(record.id, record);
    }),
  );
  return entries.map((entry) => [entry, records.get(entry.id)]);
}

function isAfter(entry: ListPosition, place: ListPosition | undefined): boolean {
  return place === undefined || newestFirst(place, entry) < 0;
}

function newestFirst(a: ListPosition, b: ListPosition): number {
  return b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
}
