import { randomBytes } from 'node:crypto';
import {
  type PgPool,
  Queue,
  QueueEvents,
  Worker,
  createPostgresBackend as bullmqPostgres,
  runMigrations,
} from 'bullmq';
import { RateLimiterPostgres } from 'rate-limiter-flexible';
import { z } from 'zod';
import type { Logger } from '../core/ports.ts';
import type { QueueBackend } from './backend.ts';
import { createConnectionLog } from './connection-log.ts';
import type { JobProgress } from './job-record.ts';
import { PACE_SAMPLE, toPace } from './pace.ts';
import { createMissedEvents } from './postgres-events.ts';
import { startStep } from './postgres-pool.ts';
import * as sql from './postgres-statements.ts';
import { BLOCKING_MS, type QueueEventListener, runQueueEvents } from './queue-events.ts';

/** Finished jobs that one statement removes. */
const REMOVED_AT_ONCE = 1000;

const cancellationSchema = z.object({ cancellation: z.enum(['canceled', 'requested']) });
const idSchema = z.object({ id: z.string() });
const removedSchema = z.object({ removed: z.number() });
const depthSchema = z.object({ depth: z.number() });
const secretSchema = z.object({ value: z.string() });
const paceSchema = z.object({
  waiting: z.number(),
  runs: z.array(z.object({ startedAt: z.number(), finishedAt: z.number() })),
});

export interface PostgresBackendOptions {
  readonly description: string;
  /** For adding and reading; its `search_path` is `bullmq`. */
  readonly producerPool: PgPool;
  /** For workers and events, each of which keeps one client to listen on; its `search_path` is `bullmq`. */
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
  const { description, producerPool, workerPool, queryPrepared, logger, exclusive, close } = options;
  const log = createConnectionLog(logger);
  const query = async (text: string, parameters: unknown[] = []): Promise<readonly unknown[]> =>
    (await producerPool.query(text, parameters)).rows;

  return {
    description,
    connect: () =>
      startStep(exclusive ? 'DATA_DIR' : 'QUEUE_URL', async () => {
        const client = await producerPool.connect();
        let failed = true;
        try {
          await runMigrations(client);
          await client.query(sql.CREATE_LIST_INDEX);
          await client.query(sql.CREATE_REQUEST_COUNTS);
          if (exclusive) await client.query(sql.GIVE_UP_LOCKS);
          failed = false;
        } finally {
          // One that failed may be in an aborted transaction.
          client.release(failed);
        }
      }),
    createProducer(type) {
      const queue = new Queue(type, { connection: producerPool }, bullmqPostgres);
      queue.on('error', log.failed);
      return queue;
    },
    async createConsumer(type, processor, { onFailed, ...workerOptions }) {
      const workerConfig = { ...workerOptions, connection: workerPool, autorun: false };
      const worker = new Worker(type, processor, workerConfig, bullmqPostgres);
      worker.on('error', log.failed);
      worker.on('failed', (job) => job && onFailed(job));
      await readyOrClosed(worker);
      worker.run().catch(log.failed);
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
      if (exclusive) return runQueueEvents(queueEvents, listener, log.failed);
      const missed = createMissedEvents({ type, lastEventId: id, listener, logger, query });
      const tell: QueueEventListener = (jobId, event, eventId) => missed.heard(eventId) && listener(jobId, event);
      const events = runQueueEvents(queueEvents, tell, log.failed);
      return {
        close() {
          missed.close();
          return events.close();
        },
      };
    },
    async readRecord(type, id) {
      const { rows } = await (queryPrepared?.('accepted:read', sql.READ_RECORD, [type, id]) ??
        producerPool.query(sql.READ_RECORD, [type, id]));
      const [row] = rows;
      return row === undefined ? undefined : sql.toRecord(row);
    },
    async readData(type, id) {
      const [row] = await query(sql.READ_DATA, [type, id]);
      return row === undefined ? undefined : z.object({ data: z.unknown() }).parse(row).data;
    },
    async list({ types, statuses, caller, after, limit }) {
      const from = after === undefined ? [Number.MAX_SAFE_INTEGER, ''] : [after.createdAt.getTime(), after.id];
      return (await query(sql.LIST_JOBS, [types, statuses, caller, ...from, limit])).map(sql.toRecord);
    },
    async cancel(type, id, { onlyMarked }) {
      const [row] = await query(sql.CANCEL_JOB, [type, id, Date.now(), onlyMarked]);
      return row === undefined ? 'refused' : cancellationSchema.parse(row).cancellation;
    },
    async readMarked(type, ids) {
      return (await query(sql.READ_MARKED, [type, ids])).map((row) => idSchema.parse(row).id);
    },
    async retry(type, id, attempts) {
      const progress = JSON.stringify({ percentComplete: 0, message: null, at: Date.now() } satisfies JobProgress);
      return (await query(sql.RETRY_JOB, [type, id, attempts, progress])).length > 0;
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
    async readSecret() {
      await query(sql.STORE_SECRET, [randomBytes(32).toString('base64url')]);
      return secretSchema.parse((await query(sql.READ_SECRET))[0]).value;
    },
    createRequestCounter: (counterOptions) =>
      exclusive
        ? undefined
        : new RateLimiterPostgres({
            ...counterOptions,
            storeClient: producerPool,
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
