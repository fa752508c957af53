import type { PgPool } from 'bullmq';
import type { Pool, QueryConfig } from 'pg';
import type { Logger } from '../../core/ports.ts';
import { describeUrl } from '../../stores/describe-url.ts';
import type { EmbeddedPool } from '../../stores/embedded-pool.ts';
import { createPostgresPool, retryDeadlocks } from '../../stores/postgres-pool.ts';
import type { QueueBackend } from '../backend.ts';
import { createPostgresQueueBackend } from './backend.ts';

/** Where BullMQ's statements find its tables. */
const SEARCH_PATH = '-c search_path=bullmq';

export function connectEmbeddedQueue(embedded: EmbeddedPool, logger: Logger): QueueBackend {
  return createPostgresQueueBackend({
    description: 'PostgreSQL, embedded',
    queuePool: embedded,
    workerPool: embedded,
    logger,
    exclusive: true,
    close: async () => undefined,
  });
}

/**
 * @param listeners how many workers and events may listen at a time
 * @throws StartError that names QUEUE_URL, when it can't be read
 */
export function connectPostgresQueue(url: string, listeners: number, logger: Logger): QueueBackend {
  const queuePool = createPostgresPool(url, 'QUEUE_URL', { options: SEARCH_PATH, max: 10, query_timeout: 5000 });
  // Connections open when needed; each listener keeps one of its own.
  const workerPool = createPostgresPool(url, 'QUEUE_URL', {
    options: SEARCH_PATH,
    max: 10 + listeners,
    query_timeout: 10_000,
  });
  return createPostgresQueueBackend({
    description: `PostgreSQL (${describeUrl(url)})`,
    queuePool: toBullmqPool(queuePool),
    workerPool: toBullmqPool(workerPool),
    logger,
    exclusive: false,
    queryPrepared: (name, text, values) => retryDeadlocks(() => queuePool.query({ name, text, values })),
    async close() {
      await Promise.all([queuePool.end(), workerPool.end()]);
    },
  });
}

/**
 * BullMQ's functions that complete a job also promote the jobs whose delay is over. Workers that lock the same jobs in different orders
 * end in a deadlock, and PostgreSQL rolls one statement back. Without another try, BullMQ would report a job as failed that was done.
 */
export function toBullmqPool(pool: Pool): PgPool {
  const own = {
    // The counter of requests passes a named statement with its parameters.
    query: (statement: string | QueryConfig, parameters?: unknown[]) =>
      retryDeadlocks(() => pool.query(statement, parameters)),
    connect: () => pool.connect(),
    end: () => pool.end(),
    on: (event: 'error', listener: (error: Error) => void) => pool.on(event, listener),
    removeAllListeners: (event?: string) => pool.removeAllListeners(event),
  };
  // pg's methods are those of BullMQ's PgPool; its types only write the rows and the overloads of `on` differently.
  return own as unknown as PgPool;
}
