import { type JobStatus, hasTag } from '../../core/job.ts';
import { type ListPosition, type ListQuery, MAX_LISTED_CHARACTERS } from '../../core/ports.ts';
import type { ListedRecords } from '../backend.ts';
import { type JobRecord, statusOf } from '../job-record.ts';
import { fromSubmission } from '../job-submission.ts';
import { DeadlineError } from '../../core/deadline.ts';
import { typeOfJobId } from '../../core/job-id.ts';
import type { RedisClient } from './client.ts';
import { SCRIPTS, runScript } from './scripts.ts';

/**
 * The order of creation, which BullMQ does not keep on Redis: for each type and caller, and for each type over all callers, a sorted set of
 * ids by `createdAt` for the jobs that are not done, and one for each final status. Likewise for each tag.
 *
 * An entry is written before its job, or with it, and removed with its job or after. A crash can leave an entry without a job, or in the
 * wrong set, but no job without an entry. BullMQ's own tools know nothing of the index: they remove jobs, or put them back. Readers compare
 * each entry with its job, and correct it if they differ.
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

/**
 * @param caller undefined: the set over all callers
 * @param tag undefined: the set of jobs with any tags
 */
export function indexKey(prefix: string, set: IndexSet, caller?: string, tag?: string): string {
  if (tag !== undefined) return `${prefix}tags:${set}:${tag}${caller === undefined ? '' : `\n${caller}`}`;
  return `${prefix}index:${set}${caller === undefined ? '' : `:${caller}`}`;
}

/** The index of one type's jobs. */
export interface IndexedType {
  readonly type: string;
  readonly prefix: string;
  readAll(ids: readonly string[]): Promise<(JobRecord | undefined)[]>;
  /** Reads the first of these jobs, at least one, up to the one with which their results have more than this many bytes. */
  readSome(ids: readonly string[], maxBytes: number): Promise<(JobRecord | undefined)[]>;
}

interface Entry extends ListPosition {
  readonly type: IndexedType;
  /** Undefined for a running job, which was not found by the index. */
  readonly set?: IndexSet;
}

/** The most entries of each set that one step reads while it looks for matching jobs. */
const MAX_PAGE = 500;

/** @param deadline the time of `performance.now()` at which the caller gives up, and so does this */
export async function listJobs(
  client: RedisClient,
  types: readonly IndexedType[],
  { caller, tag, statuses, after, since, limit }: ListQuery,
  deadline: number,
): Promise<ListedRecords> {
  const found = new Map<string, JobRecord>();
  let characters = 0;
  let from = after;
  // One more than the page has shows whether it is the last one.
  const wanted = limit + 1;
  for (let pageSize = wanted; ; pageSize = Math.max(wanted, Math.min(2 * pageSize, MAX_PAGE))) {
    if (performance.now() > deadline) throw new DeadlineError('the list took too long');
    const entries = await nextEntries(client, types, { caller, tag, statuses, after: from, since, limit: pageSize });
    const read = await readEntries(entries);
    await mendIndex(client, { caller, tag }, read);
    for (const [entry, record] of read) {
      if (record?.createdAt !== entry.createdAt.getTime() || !isOf({ caller, tag }, record) || !isOurs(entry)) continue;
      if (!statuses.includes(statusOf(record)) || found.has(record.id)) continue;
      if (found.size === limit || characters > MAX_LISTED_CHARACTERS)
        return { records: [...found.values()], hasMore: true };
      found.set(record.id, record);
      characters += record.result?.length ?? 0;
    }
    from = read.at(-1)?.[0];
    if (from === undefined) return { records: [...found.values()], hasMore: false };
  }
}

function isOf({ caller, tag }: Pick<ListQuery, 'caller' | 'tag'>, record: JobRecord): boolean {
  if (caller !== undefined && record.caller !== caller) return false;
  return tag === undefined || hasTag({ options: fromSubmission(record.submission) }, tag);
}

/** Jobs that BullMQ's tools add, such as a copy of ours, have other ids, by which no client can ask for them. */
function isOurs({ id, type }: Entry): boolean {
  return typeOfJobId(id) === type.type;
}

/** Corrects entries that point nowhere, and those in the set of another status than their job's. */
async function mendIndex(
  client: RedisClient,
  { caller, tag }: Pick<ListQuery, 'caller' | 'tag'>,
  read: readonly [Entry, JobRecord | undefined][],
): Promise<void> {
  const wrong = read.filter(
    ([entry, record]) =>
      entry.set !== undefined &&
      (record === undefined ||
        !isOurs(entry) ||
        !isOf({ caller, tag }, record) ||
        (record.state !== 'active' && SET_OF[statusOf(record)] !== entry.set) ||
        record.createdAt !== entry.createdAt.getTime()),
  );
  await Promise.all(
    [...Map.groupBy(wrong, ([{ type }]) => type)].map(([{ prefix }, entries]) => {
      const args = entries.flatMap(([entry, record]) => [
        entry.set ?? '',
        entry.id,
        isOurs(entry) ? record && SET_OF[statusOf(record)] : 'none',
        record?.finishedAt,
      ]);
      return runScript(client, SCRIPTS.mendIndex, prefix, caller ?? '', tag ?? '', ...args.map((arg) => arg ?? ''));
    }),
  );
}

/** The next entries after a position, in order, from all sets that may have jobs with these statuses. */
async function nextEntries(
  client: RedisClient,
  types: readonly IndexedType[],
  { statuses, ...query }: Omit<ListQuery, 'types'>,
): Promise<Entry[]> {
  // There may be many unfinished jobs, of which few run.
  const running = statuses.includes('Running') && !statuses.includes('Pending');
  const sets = SETS.filter((set) =>
    statuses.some((status) => SET_OF[status] === set && !(running && status === 'Running')),
  );
  const lists = await Promise.all(
    types.flatMap((type) => [
      ...(running ? [readActive(client, type, query)] : []),
      ...sets.map((set) => readSet(client, { type, set, ...query })),
    ]),
  );
  return lists.flat().toSorted(newestFirst).slice(0, query.limit);
}

interface SetQuery extends Omit<ListQuery, 'types' | 'statuses'> {
  readonly type: IndexedType;
  readonly set: IndexSet;
}

async function readSet(
  client: RedisClient,
  { type, set, caller, tag, after, since, limit }: SetQuery,
): Promise<Entry[]> {
  const key = indexKey(type.prefix, set, caller, tag);
  const entries: Entry[] = [];
  // Entries of the same millisecond are read again, in the reverse order of their ids.
  const from = after?.createdAt.getTime() ?? '+inf';
  const to = since?.getTime() ?? '-inf';
  for (let offset = 0; entries.length < limit; offset += limit) {
    const reply = await client.zrevrangebyscore(key, from, to, 'WITHSCORES', 'LIMIT', offset, limit);
    for (let index = 0; index < reply.length; index += 2) {
      const entry = { type, set, id: reply[index] ?? '', createdAt: new Date(Number(reply[index + 1])) };
      if (isAfter(entry, after)) entries.push(entry);
    }
    if (reply.length < 2 * limit) break;
  }
  return entries;
}

/** Running jobs are bounded by the concurrency of the workers. */
async function readActive(
  client: RedisClient,
  type: IndexedType,
  { caller, tag, after, since }: Pick<ListQuery, 'caller' | 'tag' | 'after' | 'since'>,
): Promise<Entry[]> {
  const ids = await client.lrange(`${type.prefix}active`, 0, -1);
  const records = ids.length === 0 ? [] : await type.readAll(ids);
  return records.flatMap((record) => {
    if (record === undefined || !isOf({ caller, tag }, record)) return [];
    const entry = { type, id: record.id, createdAt: new Date(record.createdAt) };
    return isAfter(entry, after) && (since === undefined || entry.createdAt >= since) ? [entry] : [];
  });
}

/** Reads the jobs of these entries, up to the first one that is left to another step, because the results before it are large. */
async function readEntries(entries: readonly Entry[]): Promise<[Entry, JobRecord | undefined][]> {
  const records = new Map<Entry, JobRecord | undefined>();
  const byType = Map.groupBy(entries, ({ type }) => type);
  const maxBytes = Math.ceil(MAX_LISTED_CHARACTERS / byType.size);
  await Promise.all(
    [...byType].map(async ([type, ofType]) => {
      const ids = ofType.map(({ id }) => id);
      const read = await type.readSome(ids, maxBytes);
      for (const [index, entry] of ofType.slice(0, read.length).entries()) records.set(entry, read[index]);
    }),
  );
  const unread = entries.findIndex((entry) => !records.has(entry));
  return entries.slice(0, unread === -1 ? undefined : unread).map((entry) => [entry, records.get(entry)]);
}

function isAfter(entry: ListPosition, place: ListPosition | undefined): boolean {
  return place === undefined || newestFirst(place, entry) < 0;
}

function newestFirst(a: ListPosition, b: ListPosition): number {
  return b.createdAt.getTime() - a.createdAt.getTime() || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
}
