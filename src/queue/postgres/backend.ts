import { type PgPool, QueueEvents, Worker, createPostgresBackend } from 'bullmq';
import { RateLimiterPostgres } from 'rate-limiter-flexible';
import { z } from 'zod';
import { HISTORY_MINUTES } from '../../core/job-type-stats.ts';
import { FIRST_WAITING, type Logger, MAX_LISTED_CHARACTERS } from '../../core/ports.ts';
import { CALLERS_AT_ONCE, EXPIRED_AT_ONCE, PLACED_AT_ONCE, type QueueBackend, onWorkerError } from '../backend.ts';
import type { JobProgress, JobRecord } from '../job-record.ts';
import { MAX_WAITING_COUNTED, toLoad } from '../load.ts';
import { PACE_SAMPLE, toPace } from '../pace.ts';
import { createMissedEvents } from './events.ts';
import { startStep } from '../../stores/postgres-pool.ts';
import { createPostgresQueue } from './additions.ts';
import { createPostgresDeliveries } from './deliveries.ts';
import { addStoredJobs, readStoredJobs } from './stored.ts';
import { createOutputEvents } from './output-events.ts';
import { addOutput, readOutput, storeOutput } from './output.ts';
import { prepareStore } from './prepare-store.ts';
import { OWN_SCHEMA, READ_EMBEDDED_TYPE, REQUEST_COUNTS, STATEMENTS, type Statement, toRecord } from './statements.ts';
import { BLOCKING_MS, type QueueEventListener, runQueueEvents } from '../queue-events.ts';
import { toTypeStateOfRow } from './type-state.ts';
import { createStoreClock } from '../store-clock.ts';

/** Finished jobs that one statement removes. */
const REMOVED_AT_ONCE = 1000;

/**
 * So long, in milliseconds, that it never expires: no other process can take a job, and no thread could renew the lock while the job's function
 * blocks this one. The next process releases all locks when it starts.
 */
const EXCLUSIVE_LOCK_MS = 1_000_000_000_000;

/**
 * From this round on, which is far from the largest number of a priority, the rounds of a queue that is never empty are shifted back to the
 * first ones.
 */
const MAX_ROUND = 1_000_000_000;

const indexSchema = z.object({ valid: z.boolean() });
const idSchema = z.object({ id: z.string() });
const slotSchema = z.object({ slot: z.enum(['run', 'parked', 'lost']) });
const shiftedSchema = z.object({ shifted: z.number() });
const endedSchema = z.object({ ended: z.boolean() });
const typesSchema = z.array(z.object({ name: z.string() }));
const countsSchema = z.object({ waiting: z.number(), finished: z.number() });
const removedSchema = z.object({ removed: z.number() });
const readSchema = z.object({ read: z.number() });
const taggedSchema = z.object({
  caller: z.string(),
  created_at: z.number(),
  pending: z.number(),
  running: z.number(),
  succeeded: z.number(),
  failed: z.number(),
  canceled: z.number(),
});
const foundSchema = z.object({ found: z.number() });
const depthSchema = z.object({ depth: z.number() });
const loadSchema = z.object({
  queue: z.string(),
  waiting: z.number(),
  delayed: z.number(),
  running: z.number(),
  first: z.tuple([z.unknown(), z.unknown(), z.unknown(), z.unknown()]).nullable(),
});
const timeSchema = z.object({ time: z.number() });
const usersSchema = z.object({ users: z.number() });
const secretSchema = z.object({ value: z.string() });
const paceSchema = z.object({
  waiting: z.number(),
  paused: z.boolean(),
  firstWaiting: z.array(z.string()),
  fair: z.boolean(),
  runs: z.array(z.object({ startedAt: z.number(), finishedAt: z.number() })),
});

export interface PostgresBackendOptions {
  readonly description: string;
  /** For adding and reading. The `search_path` of both pools is `bullmq`. */
  readonly queuePool: PgPool;
  /** For workers and events, each of which keeps one client to listen on. */
  readonly workerPool: PgPool;
  readonly logger: Logger;
  /** Whether this process alone uses the store, so that at its start no job can be running. */
  readonly exclusive: boolean;
  /** Whether callers take turns. @default false */
  readonly fair?: boolean;
  /** Runs a statement that the server plans once for each connection, under this name. */
  readonly queryPrepared?: (name: string, text: string, parameters: unknown[]) => Promise<{ rows: unknown[] }>;
  /** Builds the index of lists over all callers, for a store that has jobs but not the index. */
  buildIndex(): Promise<void>;
  /** Checks that the store can be used at all, at each start. */
  readonly check?: () => Promise<void>;
  close(): Promise<void>;
}

/** BullMQ on PostgreSQL, whether it is a server or embedded. */
export function createPostgresQueueBackend(options: PostgresBackendOptions): QueueBackend {
  const {
    description,
    queuePool,
    workerPool,
    queryPrepared,
    logger,
    exclusive,
    fair = false,
    buildIndex,
    check,
    close,
  } = options;
  let onTrouble: (() => void) | undefined;
  const trouble = (error: Error): void => {
    logger.debug({ err: error }, 'trouble with PostgreSQL');
    onTrouble?.();
  };
  const run = async ({ text }: Statement, parameters: unknown[] = []): Promise<readonly unknown[]> =>
    (await queuePool.query(text, parameters)).rows;
  const runPrepared = async (statement: Statement, parameters: unknown[]): Promise<readonly unknown[]> =>
    queryPrepared
      ? (await queryPrepared(`accepted:${statement.name}`, statement.text, parameters)).rows
      : run(statement, parameters);
  // The embedded store takes about a millisecond for a job, and a server less than half of one.
  const batchJobMs = exclusive ? 10 : 3;
  const outputEvents = createOutputEvents(workerPool, trouble);
  const clock = createStoreClock(async () => timeSchema.parse((await run(STATEMENTS.readTime))[0]).time);

  const readRecords = async (type: string, ids: readonly string[]): Promise<(JobRecord | undefined)[]> => {
    const rows = await runPrepared(STATEMENTS.readRecords, [type, ids]);
    const records = new Map(rows.map(toRecord).map((record) => [record.id, record]));
    return ids.map((id) => records.get(id));
  };

  const readData = async (type: string, id: string): Promise<unknown> => {
    const [row] = await run(STATEMENTS.readData, [type, id]);
    return row === undefined ? undefined : z.object({ data: z.unknown() }).parse(row).data;
  };

  const cancelJobs = (type: string, ids: readonly string[], onlyMarked: boolean, deadline: number) =>
    clock.within(deadline, (storeDeadline) =>
      run(STATEMENTS.cancelJob, [type, ids, Date.now(), onlyMarked, storeDeadline]),
    );

  const retryJobs = (type: string, ids: readonly string[], attempts: number, deadline: number) => {
    const progress = JSON.stringify({ percentComplete: 0, message: null, at: Date.now() } satisfies JobProgress);
    return clock.within(deadline, (storeDeadline) =>
      run(STATEMENTS.retryJob, [type, ids, attempts, progress, storeDeadline]),
    );
  };

  return {
    description,
    exclusive,
    onTrouble: (listener) => void (onTrouble = listener),
    connect: () =>
      startStep(exclusive ? 'DATA_DIR' : 'QUEUE_URL', async () => {
        await check?.();
        const client = await queuePool.connect();
        let failed = true;
        try {
          await prepareStore(client, fair);
          if (exclusive) await client.query(STATEMENTS.giveUpLocks.text);
          failed = false;
        } finally {
          // One that failed may be in an aborted transaction.
          client.release(failed);
        }
      }),
    createQueue: (type) =>
      createPostgresQueue({ type, pool: queuePool, clock, batchJobMs, fair, runPrepared, onError: trouble }),
    async createWorker(type, processor, given) {
      const {
        onCompleted,
        onFailed,
        onRenewed,
        onLost,
        isOwn: _isOwn,
        measure = (steps) => steps,
        ...workerOptions
      } = given;
      const workerConfig = {
        ...workerOptions,
        ...(exclusive && { lockDuration: EXCLUSIVE_LOCK_MS, skipLockRenewal: true }),
        connection: workerPool,
        autorun: false,
      };
      const openBackend: typeof createPostgresBackend = (...of) => measure(createPostgresBackend(...of));
      const worker = new Worker(type, processor, workerConfig, openBackend);
      worker.on('error', (error) => onWorkerError(error, logger, trouble));
      worker.on('completed', onCompleted);
      worker.on('locksRenewed', ({ jobIds }) => onRenewed(jobIds));
      worker.on('lockRenewalFailed', onLost);
      worker.on('failed', (job) => job && onFailed(job));
      await readyOrClosed(worker);
      worker.run().catch(trouble);
      return worker;
    },
    async createEvents(type, listener, onBegin) {
      const { id } = idSchema.parse((await run(STATEMENTS.readLastEvent, [type]))[0]);
      const queueEvents = new QueueEvents(
        type,
        { connection: workerPool, autorun: false, lastEventId: id, blockingTimeout: BLOCKING_MS },
        createPostgresBackend,
      );
      await readyOrClosed(queueEvents);
      const closeOutput = await outputEvents.open(type, { listener, onBegin });
      // BullMQ goes on after the last event that it read, but keeps a limited number of them.
      const onError = (error: Error): void => {
        trouble(error);
        onBegin();
      };
      // A single session has one transaction at a time, so none ends late.
      const missed = exclusive ? undefined : createMissedEvents({ type, lastEventId: id, listener, logger, run });
      const onEvent: QueueEventListener = (jobId, event, eventId) => {
        if (missed === undefined || missed.received(eventId)) listener(jobId, event);
      };
      const events = runQueueEvents(queueEvents, onEvent, onError);
      return {
        ...events,
        close() {
          missed?.close();
          closeOutput();
          return events.close();
        },
      };
    },
    readRecords,
    async readSome(type, ids, maxCharacters) {
      const rows = await runPrepared(STATEMENTS.readSome, [type, ids, maxCharacters]);
      const records = new Map(rows.map(toRecord).map((record) => [record.id, record]));
      // Without any row none of them exists.
      const read = rows.length === 0 ? ids.length : readSchema.parse(rows[0]).read;
      return ids.slice(0, read).map((id) => records.get(id));
    },
    async countTagged(type, tag, caller) {
      const [row] = await runPrepared(STATEMENTS.countTagged, [type, tag, caller ?? null]);
      if (row === undefined) return undefined;
      const { caller: owner, created_at: createdAt, ...counts } = taggedSchema.parse(row);
      return { caller: owner, createdAt: new Date(createdAt), counts };
    },
    readData,
    readOutput: (type, id, after) => readOutput(runPrepared, type, id, after),
    storeOutput: (type, id, of, pieces) => storeOutput(runPrepared, type, id, of, pieces),
    async list({ types, statuses, caller, tag, after, since, limit }) {
      const from = after === undefined ? [Number.MAX_SAFE_INTEGER, ''] : [after.createdAt.getTime(), after.id];
      // One more than the page has shows whether it is the last one.
      const oldest = since?.getTime() ?? Number.MIN_SAFE_INTEGER;
      const parameters = [
        types,
        statuses,
        caller ?? null,
        ...from,
        limit + 1,
        MAX_LISTED_CHARACTERS,
        oldest,
        tag ?? null,
      ];
      const rows = await run(STATEMENTS.listJobs, parameters);
      const records = rows.slice(0, limit).map(toRecord);
      return { records, hasMore: rows.length > 0 && foundSchema.parse(rows[0]).found > records.length };
    },
    async cancel(type, id, { onlyMarked, deadline }) {
      const [row] = await cancelJobs(type, [id], onlyMarked, deadline);
      return row === undefined ? undefined : toRecord(row);
    },
    cancelAll: async (type, ids, deadline) => (await cancelJobs(type, ids, false, deadline)).length,
    async readMarked(type, ids) {
      return (await run(STATEMENTS.readMarked, [type, ids])).map((row) => idSchema.parse(row).id);
    },
    async retry(type, id, { attempts, deadline }) {
      const [row] = await retryJobs(type, [id], attempts, deadline);
      return row === undefined ? undefined : toRecord(row);
    },
    async expire(types) {
      return (await run(STATEMENTS.expireJobs, [types, EXPIRED_AT_ONCE])).map((row) => idSchema.parse(row).id);
    },
    async placeJobs(types) {
      // A trigger has given them their places already, but the numbers of rounds are limited.
      const [row] = await run(STATEMENTS.shiftRounds, [types, MAX_ROUND, PLACED_AT_ONCE]);
      return shiftedSchema.parse(row).shifted;
    },
    async takeSlot(type, id, { token, most }) {
      const [row] = await run(STATEMENTS.takeSlot, [type, id, token, most]);
      return slotSchema.parse(row).slot;
    },
    async freeSlots(type, most, left) {
      await run(STATEMENTS.freeSlots, [type, most, left ?? null, CALLERS_AT_ONCE]);
    },
    async begin(type, id, token) {
      const [row] = await run(STATEMENTS.beginJob, [type, id, token]);
      return row !== undefined && !endedSchema.parse(row).ended;
    },
    retryAll: async (type, ids, { attempts, deadline }) => (await retryJobs(type, ids, attempts, deadline)).length,
    async removeFinished(type, until, retentionMs = Number.MAX_SAFE_INTEGER) {
      const [row] = await run(STATEMENTS.removeFinished, [type, until, REMOVED_AT_ONCE, retentionMs]);
      return removedSchema.parse(row).removed;
    },
    async completeIndex() {
      const { valid } = indexSchema.parse((await run(STATEMENTS.readIndex))[0]);
      if (!valid) await buildIndex();
    },
    clockOf: () => clock,
    async addTypes(types) {
      await run(STATEMENTS.addTypes, [types]);
      return typesSchema.parse(await run(STATEMENTS.readTypes)).map(({ name }) => name);
    },
    async countJobs(type) {
      return countsSchema.parse((await run(STATEMENTS.countJobs, [type]))[0]);
    },
    async readTypeState(type) {
      const statement = exclusive ? READ_EMBEDDED_TYPE : STATEMENTS.readType;
      return toTypeStateOfRow((await runPrepared(statement, [type, HISTORY_MINUTES]))[0]);
    },
    async addEnds(type, { succeeded, failed }) {
      await run(STATEMENTS.addEnds, [type, succeeded, failed]);
    },
    async readPace(type) {
      const [row] = await run(STATEMENTS.readPace, [type, PACE_SAMPLE, FIRST_WAITING]);
      const { runs, waiting, paused, firstWaiting, fair: isFair } = paceSchema.parse(row);
      return toPace(runs, waiting, paused, firstWaiting, isFair);
    },
    async readLoads(types) {
      const rows = await run(STATEMENTS.readLoads, [types, MAX_WAITING_COUNTED]);
      return rows.map((row) => {
        const { queue: type, first, ...counts } = loadSchema.parse(row);
        return toLoad({ type, ...counts }, first === null ? [] : [first], clock.now());
      });
    },
    async readDepth(type, max) {
      return depthSchema.parse((await run(STATEMENTS.readDepth, [type, max]))[0]).depth;
    },
    async readCallerDepth(type, caller, max) {
      return depthSchema.parse((await run(STATEMENTS.readCallerDepth, [type, caller, max]))[0]).depth;
    },
    async readSecret(own) {
      await run(STATEMENTS.storeSecret, [own]);
      return secretSchema.parse((await run(STATEMENTS.readSecret))[0]).value;
    },
    createRequestCounter: (counterOptions) =>
      exclusive
        ? undefined
        : new RateLimiterPostgres({
            ...counterOptions,
            storeClient: queuePool,
            storeType: 'pool',
            schemaName: OWN_SCHEMA,
            tableName: REQUEST_COUNTS,
            tableCreated: true,
          }),
    deliveries: createPostgresDeliveries(run),
    readStored: (type, from) => readStoredJobs(run, type, from),
    addStored: (type, jobs) => addStoredJobs(run, type, jobs),
    addOutput: (type, id, pieces) => addOutput(run, type, id, pieces),
    async countUsers() {
      return exclusive ? 0 : usersSchema.parse((await run(STATEMENTS.countUsers))[0]).users;
    },
    async ping() {
      await queuePool.query('SELECT 1');
    },
    async tryWrite() {
      await run(STATEMENTS.tryWrite);
    },
    close,
  };
}

/** BullMQ never replaces a first connection that failed, so its owner is closed and created again. */
async function readyOrClosed(part: { waitUntilReady(): Promise<unknown>; close(): Promise<void> }): Promise<void> {
  try {
    await part.waitUntilReady();
  } catch (error) {
    await part.close().catch(() => undefined);
    throw error;
  }
}
