import { Queue, Worker, createPostgresBackend as bullmqPostgres, runMigrations } from 'bullmq';
import type { PgPool } from 'bullmq';
import type { Logger } from '../core/ports.ts';
import type { QueueBackend } from './backend.ts';
import { createConnectionLog } from './connection-log.ts';
import type { JobRecord } from './job-record.ts';
import { startStep } from './postgres-pool.ts';

/** The columns of BullMQ's job table that a status read needs; not `data`, which may be large. */
const READ_RECORD = `
  SELECT state::text, progress, return_value, failed_reason, attempts_made, max_attempts,
         added_at_ms::float8, processed_at_ms::float8, finished_at_ms::float8
    FROM bullmq.job WHERE queue = $1 AND id = $2`;

/** Has the first check for stalled jobs take them all, without waiting for the locks of the process that was killed. */
const GIVE_UP_LOCKS = `UPDATE bullmq.job SET locked_until_ms = 0, stalled_marked = true WHERE state = 'active'`;

interface JobRow {
  readonly state: string;
  readonly progress: unknown;
  readonly return_value: unknown;
  readonly failed_reason: string | null;
  readonly attempts_made: number;
  readonly max_attempts: number;
  readonly added_at_ms: number;
  readonly processed_at_ms: number | null;
  readonly finished_at_ms: number | null;
}

export interface PostgresBackendOptions {
  readonly description: string;
  /** For adding and reading; its `search_path` is `bullmq`. */
  readonly producerPool: PgPool;
  /** For workers, each of which keeps one client to listen on; its `search_path` is `bullmq`. */
  readonly workerPool: PgPool;
  readonly logger: Logger;
  /** Whether this process alone uses the store, so that at its start no job can be running. */
  readonly exclusive: boolean;
  close(): Promise<void>;
}

/** BullMQ on PostgreSQL, whether it is a server or embedded. */
export function createPostgresQueueBackend(options: PostgresBackendOptions): QueueBackend {
  const { description, producerPool, workerPool, logger, exclusive, close } = options;
  const log = createConnectionLog(logger);
  return {
    description,
    connect: () =>
      startStep(exclusive ? 'DATA_DIR' : 'QUEUE_URL', async () => {
        const client = await producerPool.connect();
        try {
          await runMigrations(client);
          if (exclusive) await client.query(GIVE_UP_LOCKS);
        } finally {
          client.release();
        }
      }),
    createProducer(type) {
      const queue = new Queue(type, { connection: producerPool }, bullmqPostgres);
      queue.on('error', log.failed);
      return queue;
    },
    createConsumer(type, processor, workerOptions) {
      const worker = new Worker(type, processor, { ...workerOptions, connection: workerPool }, bullmqPostgres);
      worker.on('error', log.failed);
      return worker;
    },
    async readRecord(type, id) {
      const { rows } = await producerPool.query<JobRow>(READ_RECORD, [type, id]);
      return rows[0] && toRecord(rows[0]);
    },
    async readData(type, id) {
      const { rows } = await producerPool.query<{ data: unknown }>(
        'SELECT data FROM bullmq.job WHERE queue = $1 AND id = $2',
        [type, id],
      );
      return rows[0]?.data;
    },
    async ping() {
      await producerPool.query('SELECT 1');
    },
    close,
  };
}

const STATES: Readonly<Record<string, JobRecord['state']>> = {
  active: 'active',
  completed: 'completed',
  failed: 'failed',
};

function toRecord(row: JobRow): JobRecord {
  return {
    state: STATES[row.state] ?? 'waiting',
    progress: row.progress,
    result: row.return_value,
    failedReason: row.failed_reason,
    attemptsMade: row.attempts_made,
    maxAttempts: row.max_attempts,
    createdAt: row.added_at_ms,
    startedAt: row.processed_at_ms,
    finishedAt: row.finished_at_ms,
  };
}
