import { type PgPool, QueueEvents, Worker, createPostgresBackend as bullmqPostgres, runMigrations } from 'bullmq';
import { RateLimiterPostgres } from 'rate-limiter-flexible';
import { z } from 'zod';
import type { Logger } from '../../core/ports.ts';
import type { QueueBackend } from '../backend.ts';
import type { JobProgress, JobRecord } from '../job-record.ts';
import { PACE_SAMPLE, toPace } from '../pace.ts';
import { createMissedEvents } from './events.ts';
import { startStep } from '../../stores/postgres-pool.ts';
import { createPostgresQueue } from './additions.ts';
import * as sql from './statements.ts';
import { BLOCKING_MS, type QueueEventListener, runQueueEvents } from '../queue-events.ts';
import { createStoreClock } from '../store-clock.ts';

/** Finished jobs that one statement removes. */
const REMOVED_AT_ONCE = 1000;

const idSchema = z.object({ id: z.string() });
const removedSchema = z.object({ removed: z.number() });
const depthSchema = z.object({ depth: z.number() });
const timeSchema = z.object({ time: z.number() });
const secretSchema = z.object({ value: z.string() });
const paceSchema = z.object({
  waiting: z.number(),
  runs: z.array(z.object({ startedAt: z.number(), finishedAt: z.number() })),
});

export interface PostgresBackendOptions {
  readonly description: string;
  /** For adding and reading; its `search_path` is `bullmq`. */
  readonly queuePool: PgPool;
  /** For workers and events, each of which keeps one client to listen on; its `search_path` is that of workers, where there is more than one session. */
  readonly workerPool: PgPool;
  readonly logger: Logger;
  /** Whether this process alone uses the store, so that at its start no job can be running. */
  readonly exclusive: boolean;
  /** Has the server plan a statement once for each connection, under this name. */
  readonly queryPrepared?: (name: string, text: string, parameters: unknown[]) => Promise<{ rows: unknown[] }>;
  close(): Promise<void>;
}

/** BullMQ on PostgreSQL, whether it is a server or embedded. */
export function createPostgresQueueBackend(options: PostgresBackendOptions): QueueBackend {
  const { description, queuePool, workerPool, queryPrepared, logger, exclusive, close } = options;
  let tellTrouble: (() => void) | undefined;
  const trouble = (error: Error): void => {
    logger.debug({ err: error }, 'trouble with PostgreSQL');
    tellTrouble?.();
  };
  const query = async (text: string, parameters: unknown[] = []): Promise<readonly unknown[]> =>
    (await queuePool.query(text, parameters)).rows;
  const prepared = async (name: string, text: string, parameters: unknown[]): Promise<readonly unknown[]> =>
    queryPrepared ? (await queryPrepared(name, text, parameters)).rows : query(text, parameters);
  const clock = createStoreClock(async () => timeSchema.parse((await query(sql.READ_TIME))[0]).time);

  const readRecords = async (type: string, ids: readonly string[]): Promise<(JobRecord | undefined)[]> => {
    const rows = await prepared('accepted:read', sql.READ_RECORDS, [type, ids]);
    const records = new Map(rows.map(sql.toRecord).map((record) => [record.id, record]));
    return ids.map((id) => records.get(id));
  };

  const readData = async (type: string, id: string): Promise<unknown> => {
    const [row] = await query(sql.READ_DATA, [type, id]);
    return row === undefined ? undefined : z.object({ data: z.unknown() }).parse(row).data;
  };

  return {
    description,
    onTrouble: (listener) => void (tellTrouble = listener),
    connect: () =>
      startStep(exclusive ? 'DATA_DIR' : 'QUEUE_URL', async () => {
        const client = await queuePool.connect();
        let failed = true;
        try {
          await runMigrations(client);
          await client.query(sql.PREPARE_SCHEMA);
          if (exclusive) await client.query(sql.GIVE_UP_LOCKS);
          failed = false;
        } finally {
          // One that failed may be in an aborted transaction.
          client.release(failed);
        }
      }),
    createQueue: (type) => createPostgresQueue({ type, pool: queuePool, clock, prepared, onError: trouble }),
    async createWorker(type, processor, { onFailed, onRenewed, onLost, ...workerOptions }) {
      const workerConfig = { ...workerOptions, connection: workerPool, autorun: false };
      const worker = new Worker(type, processor, workerConfig, bullmqPostgres);
      worker.on('error', trouble);
      worker.on('locksRenewed', ({ jobIds }) => onRenewed(jobIds));
      worker.on('lockRenewalFailed', onLost);
      worker.on('failed', (job) => job && onFailed(job));
      await readyOrClosed(worker);
      worker.run().catch(trouble);
      return worker;
    },
    async createEvents(type, listener) {
      const { id } = idSchema.parse((await query(sql.READ_LAST_EVENT, [type]))[0]);
      const queueEvents = new QueueEvents(
        type,
        { connection: workerPool, autorun: false, lastEventId: id, blockingTimeout: BLOCKING_MS },
        bullmqPostgres,
      );
      await readyOrClosed(queueEvents);
      // One session alone has one transaction at a time.
      if (exclusive) return runQueueEvents(queueEvents, listener, trouble);
      const missed = createMissedEvents({ type, lastEventId: id, listener, logger, query });
      const tell: QueueEventListener = (jobId, event, eventId) => missed.heard(eventId) && listener(jobId, event);
      const events = runQueueEvents(queueEvents, tell, trouble);
      return {
        ...events,
        close() {
          missed.close();
          return events.close();
        },
      };
    },
    readRecords,
    readData,
    async list({ types, statuses, caller, after, limit }) {
      const from = after === undefined ? [Number.MAX_SAFE_INTEGER, ''] : [after.createdAt.getTime(), after.id];
      return (await query(sql.LIST_JOBS, [types, statuses, caller, ...from, limit])).map(sql.toRecord);
    },
    async cancel(type, id, { onlyMarked, deadline }) {
      const [row] = await clock.within(deadline, (storeDeadline) =>
        query(sql.CANCEL_JOB, [type, id, Date.now(), onlyMarked, storeDeadline]),
      );
      return row === undefined ? undefined : sql.toRecord(row);
    },
    async readMarked(type, ids) {
      return (await query(sql.READ_MARKED, [type, ids])).map((row) => idSchema.parse(row).id);
    },
    async retry(type, id, { attempts, deadline }) {
      const progress = JSON.stringify({ percentComplete: 0, message: null, at: Date.now() } satisfies JobProgress);
      const [row] = await clock.within(deadline, (storeDeadline) =>
        query(sql.RETRY_JOB, [type, id, attempts, progress, storeDeadline]),
      );
      return row === undefined ? undefined : sql.toRecord(row);
    },
    async removeFinished(type, until) {
      const [row] = await query(sql.REMOVE_FINISHED, [type, until, REMOVED_AT_ONCE]);
      return removedSchema.parse(row).removed;
    },
    async readPace(type) {
      const { runs, waiting } = paceSchema.parse((await query(sql.READ_PACE, [type, PACE_SAMPLE]))[0]);
      return toPace(runs, waiting);
    },
    async readDepth(type, max) {
      return depthSchema.parse((await query(sql.READ_DEPTH, [type, max]))[0]).depth;
    },
    async readSecret(own) {
      await query(sql.STORE_SECRET, [own]);
      return secretSchema.parse((await query(sql.READ_SECRET))[0]).value;
    },
    createRequestCounter: (counterOptions) =>
      exclusive
        ? undefined
        : new RateLimiterPostgres({
            ...counterOptions,
            storeClient: queuePool,
            storeType: 'pool',
            tableName: sql.REQUEST_COUNTS,
            tableCreated: true,
          }),
    async ping() {
      await query('SELECT 1');
    },
    close,
  };
}

/** BullMQ remembers a first connection that failed: what has it never recovers, and is made anew. */
async function readyOrClosed(part: { waitUntilReady(): Promise<unknown>; close(): Promise<void> }): Promise<void> {
  try {
    await part.waitUntilReady();
  } catch (error) {
    await part.close().catch(() => undefined);
    throw error;
  }
}
