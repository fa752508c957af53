/** All jobs of a queue on PostgreSQL, for another store to take over. No process may change the queue meanwhile. */
import { z } from 'zod';
import { priorityOf } from '../job-submission.ts';
import type { StoredJob, StoredJobs } from '../stored-job.ts';
import { bullmqPriority } from './additions.ts';
import { ROUNDS_FROM, STATEMENTS, type Statement } from './statements.ts';

type Run = (statement: Statement, parameters: unknown[]) => Promise<readonly unknown[]>;

const PAGE = 50;
const WAITING = 'waiting';

const optionsSchema = z.object({ submission: z.unknown().optional() });
const idSchema = z.object({ id: z.string() });
/** Columns of `sql/stored.sql`. */
const rowSchema = z.object({
  id: z.string(),
  seq: z.string(),
  name: z.string(),
  state: z.string(),
  data: z.string(),
  options: z.string(),
  priority: z.number(),
  delay_ms: z.number(),
  max_attempts: z.number(),
  attempts_made: z.number(),
  progress: z.string().nullable(),
  result: z.string().nullable(),
  failed_reason: z.string().nullable(),
  traces: z.string().nullable(),
  marked: z.boolean().nullable(),
  added_at_ms: z.number(),
  process_at_ms: z.number().nullable(),
  processed_at_ms: z.number().nullable(),
  finished_at_ms: z.number().nullable(),
  stalled_count: z.number(),
  in_flow: z.boolean(),
});
type Row = z.output<typeof rowSchema>;

/** Where a part begins: first those that do not wait, by their ids, then those that wait, in their order. */
const cursorSchema = z.union([z.object({ after: z.string() }), z.object({ priority: z.number(), seq: z.string() })]);
type Cursor = z.output<typeof cursorSchema>;
const FIRST_WAITING: Cursor = { priority: -1000, seq: '0' };

/** @param from where a part before ended */
export async function readStoredJobs(run: Run, type: string, from = '{"after":""}'): Promise<StoredJobs> {
  const cursor = cursorSchema.parse(JSON.parse(from));
  const found =
    'after' in cursor
      ? await run(STATEMENTS.readStored, [type, cursor.after, PAGE])
      : await run(STATEMENTS.readStoredWaiting, [type, cursor.priority, cursor.seq, PAGE]);
  const rows = found.map((row) => rowSchema.parse(row));
  const jobs = rows.filter((row) => !row.in_flow).map(toStoredJob);
  const next = nextOf(cursor, rows);
  return { jobs, omitted: rows.length - jobs.length, next: next && JSON.stringify(next) };
}

function nextOf(cursor: Cursor, rows: readonly Row[]): Cursor | undefined {
  const last = rows.length < PAGE ? undefined : rows.at(-1);
  if ('after' in cursor) return last === undefined ? FIRST_WAITING : { after: last.id };
  return last && { priority: last.priority, seq: last.seq };
}

const STATES: Readonly<Record<string, StoredJob['state']>> = {
  delayed: 'delayed',
  completed: 'completed',
  failed: 'failed',
};

function toStoredJob(row: Row): StoredJob {
  return {
    id: row.id,
    caller: row.name,
    state: STATES[row.state] ?? WAITING,
    data: row.data,
    options: row.options,
    priority:
      row.priority >= ROUNDS_FROM ? priorityOf(optionsSchema.parse(JSON.parse(row.options)).submission) : -row.priority,
    delayMs: row.delay_ms,
    dueAt: row.process_at_ms,
    createdAt: row.added_at_ms,
    startedAt: row.processed_at_ms,
    finishedAt: row.finished_at_ms,
    marked: row.marked ?? false,
    result: row.result,
    failedReason: row.failed_reason,
    traces: row.traces,
    progress: row.progress,
    attemptsMade: row.attempts_made,
    maxAttempts: row.max_attempts,
    stalledCount: row.stalled_count,
  };
}

/** In the order of the parameters of `add-stored.sql`. */
const COLUMNS = [
  'id',
  'caller',
  'state',
  'data',
  'options',
  'priority',
  'delayMs',
  'maxAttempts',
  'attemptsMade',
  'progress',
  'result',
  'failedReason',
  'traces',
  'marked',
  'createdAt',
  'dueAt',
  'startedAt',
  'finishedAt',
  'stalledCount',
] as const satisfies (keyof StoredJob)[];

/** Adds those that the store does not have yet. @returns their ids */
export async function addStoredJobs(run: Run, type: string, jobs: readonly StoredJob[]): Promise<readonly string[]> {
  const stored = jobs.map((job) => ({ ...job, priority: bullmqPriority(job.priority) }));
  const columns = COLUMNS.map((name) => stored.map((job) => job[name]));
  return (await run(STATEMENTS.addStored, [type, ...columns])).map((row) => idSchema.parse(row).id);
}
