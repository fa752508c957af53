/** All jobs of a queue on Redis, for another store to take over. No process may change the queue meanwhile. */
import { z } from 'zod';
import { CANCELED } from '../job-record.ts';
import { priorityOf } from '../job-submission.ts';
import type { StoredJob, StoredJobs } from '../stored-job.ts';
import { bullmqPriority } from './additions.ts';
import type { RedisClient } from './client.ts';
import { prefixOf } from './names.ts';
import { SCRIPTS, runScript } from './scripts.ts';

const PAGE = 50;
/** BullMQ's keys of the jobs in each state. The lists have the next job at their end. */
const PLACES = [
  { key: 'active', isList: true, state: 'waiting' },
  { key: 'wait', isList: true, state: 'waiting' },
  { key: 'prioritized', isList: false, state: 'waiting' },
  { key: 'delayed', isList: false, state: 'delayed' },
  { key: 'waiting-children', isList: false, state: undefined },
  { key: 'completed', isList: false, state: 'completed' },
  { key: 'failed', isList: false, state: 'failed' },
] as const;
/** A delayed job's place is its time, in the upper bits. */
const DUE_FACTOR = 0x1000;

/** BullMQ's priority of the jobs of a fair queue; the same as in turns.lua. */
const UNPLACED = 2_097_151;

const idsSchema = z.array(z.string());
const fieldsSchema = z.record(z.string(), z.string());
const optionsSchema = z.object({ attempts: z.number().catch(1), submission: z.unknown().optional() });

/** @param from where a part before ended: which place, and how many jobs into it */
export async function readStoredJobs(client: RedisClient, type: string, from = '0:0'): Promise<StoredJobs> {
  const prefix = prefixOf(type);
  const [index = 0, offset = 0] = from.split(':').map(Number);
  const place = PLACES[index];
  if (place === undefined) return { jobs: [], omitted: 0, next: undefined };
  const key = prefix + place.key;
  const ids = place.isList
    ? (await client.lrange(key, -offset - PAGE, -offset - 1)).toReversed()
    : await client.zrange(key, `${offset}`, `${offset + PAGE - 1}`);
  const found = await Promise.all(
    ids.map(async (id) => {
      const [fields, score] = await Promise.all([client.hgetall(prefix + id), client.zscore(`${prefix}delayed`, id)]);
      return toStoredJob(id, place.state, fieldsSchema.parse(fields), score);
    }),
  );
  const jobs = found.filter((job) => job !== undefined);
  const omitted = found.length - jobs.length;
  return { jobs, omitted, next: ids.length < PAGE ? `${index + 1}:0` : `${index}:${offset + PAGE}` };
}

function toStoredJob(
  id: string,
  state: StoredJob['state'] | undefined,
  fields: Readonly<Record<string, string>>,
  score: string | null,
): StoredJob | undefined {
  const { timestamp, name = '', data = '{}', opts = '{}', parentKey } = fields;
  if (state === undefined || timestamp === undefined || parentKey !== undefined) return undefined;
  const { attempts, submission } = optionsSchema.parse(JSON.parse(opts));
  const priority = toNumber(fields['priority']) ?? 0;
  const startedAt = toNumber(fields['processedOn']);
  const isMarked =
    fields['canceled'] === undefined ? fields['defa'] === CANCELED : fields['canceled'] === `${startedAt ?? ''}`;
  return {
    id,
    caller: name,
    state,
    data,
    options: opts,
    priority: priority === UNPLACED ? priorityOf(submission) : bullmqPriority(priority),
    delayMs: toNumber(fields['delay']) ?? 0,
    dueAt: score === null ? null : Math.floor(Number(score) / DUE_FACTOR),
    createdAt: Number(timestamp),
    startedAt,
    finishedAt: toNumber(fields['finishedOn']),
    marked: isMarked,
    result: fields['returnvalue'] ?? null,
    failedReason: fields['failedReason'] ?? null,
    traces: fields['stacktrace'] ?? null,
    progress: fields['progress'] ?? null,
    attemptsMade: toNumber(fields['atm']) ?? 0,
    maxAttempts: attempts,
    stalledCount: toNumber(fields['stc']) ?? 0,
  };
}

function toNumber(text: string | undefined): number | null {
  return text === undefined ? null : Number(text);
}

/** Adds those that the store does not have yet. @returns their ids */
export async function addStoredJobs(
  client: RedisClient,
  type: string,
  jobs: readonly StoredJob[],
): Promise<readonly string[]> {
  const args = jobs.flatMap((job) => {
    const fields = Object.entries(toFields(job)).flatMap(([name, value]) => (value === null ? [] : [name, value]));
    const place = job.state === 'waiting' ? 'wait' : job.state;
    return [job.id, job.caller, job.createdAt, place, placeOf(job), listOf(job), fields.length, ...fields];
  });
  return idsSchema.parse(await runScript(client, SCRIPTS.addStored, prefixOf(type), ...args));
}

/** A waiting job's priority; the place of another one in its set. */
function placeOf({ state, priority, dueAt, createdAt, finishedAt }: StoredJob): number {
  if (state === 'waiting') return bullmqPriority(priority);
  return state === 'delayed' ? (dueAt ?? createdAt) * DUE_FACTOR : (finishedAt ?? createdAt);
}

/** The index of lists that it belongs to. */
function listOf({ state, marked, failedReason }: StoredJob): string {
  if (state === 'waiting' || state === 'delayed') return 'open';
  if (marked || failedReason === CANCELED) return 'Canceled';
  return state === 'completed' ? 'Succeeded' : 'Failed';
}

/** BullMQ's names. A mark is kept as the cancellation of a running job leaves it. */
function toFields(job: StoredJob): Readonly<Record<string, string | number | null>> {
  return {
    name: job.caller,
    data: job.data,
    opts: job.options,
    timestamp: job.createdAt,
    delay: job.delayMs,
    priority: bullmqPriority(job.priority),
    processedOn: job.startedAt,
    finishedOn: job.finishedAt,
    returnvalue: job.result,
    failedReason: job.failedReason,
    stacktrace: job.traces,
    progress: job.progress,
    atm: job.attemptsMade === 0 ? null : job.attemptsMade,
    stc: job.stalledCount === 0 ? null : job.stalledCount,
    defa: job.marked && job.state !== 'failed' ? CANCELED : null,
    canceled: job.marked ? (job.startedAt ?? '') : null,
  };
}
