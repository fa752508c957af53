import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { MAX_COUNTED, SAMPLED_RUNS } from '../../core/job-type-stats.ts';
import { MAX_DELIVERIES } from '../../core/webhook/delivery.ts';
import { CANCELED, type JobRecord } from '../job-record.ts';
import { LATE } from '../store-clock.ts';

/** One statement. Its file in `sql/` has this name, and says what its parameters are. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

const readSql = (name: string): string => readFileSync(new URL(`./sql/${name}.sql`, import.meta.url), 'utf8');

/**
 * The priority of a job that a trigger is to put into the next round of its caller, which is a greater one. BullMQ's own priorities, and those of
 * queues whose callers do not take turns, are smaller.
 */
export const ROUNDS_FROM = 3_000_000;
/** When a parked job is due. */
const PARKED_UNTIL = 2_199_023_255_551;

/** Pieces of output that one statement removes. */
const REMOVED_PIECES = 20_000;

/** What stands in several statements as `{{name}}`; a part may contain later ones. */
const PARTS: readonly (readonly [name: string, text: string])[] = [
  ['all-index', readSql('all-index').trim()],
  ['status', readSql('status')],
  ['record', readSql('record')],
  ['stored', readSql('stored')],
  ['canceled', `'${CANCELED}'`],
  // Other programs' jobs may have anything there.
  ['retention', `CASE jsonb_typeof(opts -> 'retentionMs') WHEN 'number' THEN (opts ->> 'retentionMs')::float8 END`],
  ['start-by', `(CASE jsonb_typeof(opts -> 'startBy') WHEN 'number' THEN (opts ->> 'startBy')::float8 END)`],
  [
    'priority',
    `(CASE jsonb_typeof(opts #> '{submission,priority}') WHEN 'number' THEN (opts #>> '{submission,priority}')::float8::integer ELSE 0 END)`,
  ],
  ['rounds-from', String(ROUNDS_FROM)],
  ['in-round', `state = 'waiting' AND priority > ${ROUNDS_FROM}`],
  ['parked-until', String(PARKED_UNTIL)],
  ['removed-pieces', String(REMOVED_PIECES)],
  ['late', LATE],
  ['most-deliveries', String(MAX_DELIVERIES)],
  ['sampled-runs', String(SAMPLED_RUNS)],
  ['max-counted', String(MAX_COUNTED)],
];

/** @param parts come before the others */
function load(name: string, parts: typeof PARTS = []): Statement {
  return { name, text: fill(readSql(name), parts) };
}

function fill(text: string, parts: typeof PARTS = []): string {
  return [...parts, ...PARTS].reduce((filled, [part, partText]) => filled.replaceAll(`{{${part}}}`, partText), text);
}

/** Name and columns of the index of lists over all callers. */
export const ALL_INDEX = fill('{{all-index}}');

/** Where the functions and tables of this project are, apart from BullMQ's. */
export const OWN_SCHEMA = 'accepted_queue';
export const REQUEST_COUNTS = 'request_counts';

/** Run only where callers take turns: elsewhere it would cost each job something. */
export const ROUNDS = load('schema/rounds');

/** Run at each start, in this order. They do not change existing objects. */
export const SCHEMA_STATEMENTS: readonly Statement[] = [
  load('schema/schema'),
  load('schema/before'),
  load('schema/add-once'),
  load('schema/list-index'),
  load('schema/start-index'),
  load('schema/job-tags'),
  load('schema/deliveries'),
  load('schema/add-batch'),
  load('schema/request-counts'),
  load('schema/job-ends'),
  load('schema/job-output'),
  load('schema/canceled-index'),
  ROUNDS,
  load('schema/slots'),
  load('schema/count-statistics'),
  load('schema/estimate-jobs'),
];

/** Run at each start after these, and rolled back. */
export const PROBE = load('probe');

/** What BullMQ does not do, or not in one step. The tables are BullMQ's, in the schema `bullmq`. */
export const STATEMENTS = {
  addDeliveries: load('add-deliveries'),
  addEnds: load('add-ends'),
  addJobs: load('add-jobs'),
  addTypes: load('add-types'),
  beginJob: load('begin-job'),
  addOutput: load('add-output'),
  addOnce: load('add-once'),
  addBatch: load('add-batch'),
  addStored: load('add-stored'),
  cancelJob: load('cancel-job'),
  countDeliveries: load('count-deliveries'),
  countJobs: load('count-jobs'),
  countTagged: load('count-tagged'),
  countUsers: load('count-users'),
  expireJobs: load('expire-jobs'),
  freeSlots: load('free-slots'),
  giveUpLocks: load('give-up-locks'),
  listJobs: load('list-jobs'),
  readAllRotations: load('read-all-rotations'),
  readCallerDepth: load('read-caller-depth'),
  readData: load('read-data'),
  readDeliveries: load('read-deliveries'),
  readDepth: load('read-depth'),
  readIndex: load('read-index'),
  readLastEvent: load('read-last-event'),
  readLoads: load('read-loads'),
  readLocks: load('read-locks'),
  readMarked: load('read-marked'),
  readMissedEvents: load('read-missed-events'),
  readOutput: load('read-output'),
  readPace: load('read-pace'),
  readRecords: load('read-records'),
  readRotations: load('read-rotations'),
  readSome: load('read-some'),
  readSecret: load('read-secret'),
  readStored: load('read-stored'),
  readStoredWaiting: load('read-stored-waiting'),
  readTime: load('read-time'),
  readType: load('read-type'),
  readTypes: load('read-types'),
  redeliver: load('redeliver'),
  removeFinished: load('remove-finished'),
  retryJob: load('retry-job'),
  settleDelivery: load('settle-delivery'),
  shiftRounds: load('shift-rounds'),
  storeOutput: load('store-output'),
  storeRotations: load('store-rotations'),
  storeSecret: load('store-secret'),
  takeDeliveries: load('take-deliveries'),
  takeSlot: load('take-slot'),
  tryWrite: load('try-write'),
} as const satisfies Record<string, Statement>;

/** `readType` for the embedded store, which has less to count. */
export const READ_EMBEDDED_TYPE = load('read-type', [['max-counted', String(10 * MAX_COUNTED)]]);

const rowSchema = z.object({
  queue: z.string(),
  id: z.string(),
  name: z.string(),
  state: z.string(),
  deferred_failure: z.string().nullable(),
  canceled: z.boolean(),
  progress: z.unknown(),
  result: z.string().nullable(),
  failed_reason: z.string().nullable(),
  stacktrace: z.unknown(),
  attempts_made: z.number(),
  max_attempts: z.number(),
  retention_ms: z.number().nullable(),
  trace: z.string().nullable(),
  submission: z.unknown(),
  has_output: z.boolean(),
  expired: z.boolean(),
  added_at_ms: z.number(),
  processed_at_ms: z.number().nullable(),
  finished_at_ms: z.number().nullable(),
});

const STATES: Readonly<Record<string, JobRecord['state']>> = {
  active: 'active',
  completed: 'completed',
  failed: 'failed',
};

/** @param row with the columns of `sql/record.sql` */
export function toRecord(row: unknown): JobRecord {
  const columns = rowSchema.parse(row);
  return {
    id: columns.id,
    type: columns.queue,
    caller: columns.name,
    // BullMQ's other states all wait: for a worker, for a time, or for the jobs of a flow.
    state: STATES[columns.state] ?? 'waiting',
    mark: columns.canceled ? CANCELED : columns.deferred_failure,
    progress: columns.progress,
    result: columns.result,
    failedReason: columns.failed_reason,
    traces: columns.stacktrace,
    attemptsMade: columns.attempts_made,
    maxAttempts: columns.max_attempts,
    retentionMs: columns.retention_ms,
    trace: columns.trace,
    submission: columns.submission,
    hasOutput: columns.has_output,
    expired: columns.expired,
    createdAt: columns.added_at_ms,
    startedAt: columns.processed_at_ms,
    finishedAt: columns.finished_at_ms,
  };
}
