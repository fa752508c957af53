import type { PgPool } from 'bullmq';
import type { Logger } from '../core/ports.ts';
import type { QueueBackend } from './backend.ts';
import { describeUrl } from '../stores/describe-url.ts';
import type { EmbeddedPool } from '../stores/embedded-pool.ts';
import { createPostgresQueueBackend } from './postgres/backend.ts';
import { createPostgresPool } from '../stores/postgres-pool.ts';
import { WORKER_SEARCH_PATH } from './postgres/turns.ts';
import { createRedisBackend } from './redis/backend.ts';

export interface QueueLocation {
  /** Undefined: the embedded store. */
  readonly url: string | undefined;
  readonly embedded: EmbeddedPool;
  /** How many workers and events may listen at a time. */
  readonly listeners: number;
  readonly logger: Logger;
}

/**
 * The store that QUEUE_URL names.
 * @throws StartError that names QUEUE_URL, when it can't be read
 */
export function connectQueue({ url, embedded, listeners, logger }: QueueLocation): QueueBackend {
  if (url === undefined) {
    return createPostgresQueueBackend({
      description: 'PostgreSQL, embedded',
      queuePool: embedded,
      workerPool: embedded,
      logger,
      exclusive: true,
      close: async () => undefined,
    });
  }
  if (/^postgres(ql)?:/.test(url)) return connectPostgres(url, listeners, logger);
  return createRedisBackend(url, logger);
}

function connectPostgres(url: string, listeners: number, logger: Logger): QueueBackend {
  const queuePool = createPostgresPool(url, 'QUEUE_URL', {
    options: '-c search_path=bullmq',
    max: 10,
    query_timeout: 5000,
  });
  // Connections open when needed; each that listens keeps one of its own.
  const workerPool = createPostgresPool(url, 'QUEUE_URL', {
    options: `-c search_path=${WORKER_SEARCH_PATH}`,
    max: 10 + listeners,
    query_timeout: 10_000,
  });
  return createPostgresQueueBackend({
    description: `PostgreSQL (${describeUrl(url)})`,
    // A pg.Pool has the methods of BullMQ's PgPool; the two type packages only write the overloads of `on` differently.
    queuePool: queuePool as PgPool,
    workerPool: workerPool as PgPool,
    logger,
    exclusive: false,
    queryPrepared: (name, text, values) => queuePool.query({ name, text, values }),
    async close() {
      await Promise.all([queuePool.end(), workerPool.end()]);
    },
  });
}
