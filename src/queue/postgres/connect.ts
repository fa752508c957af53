import type { Logger } from '../../core/ports.ts';
import { describeUrl } from '../../stores/describe-url.ts';
import type { EmbeddedPool } from '../../stores/embedded-pool.ts';
import { createPostgresPool, retryDeadlocks } from '../../stores/postgres-pool.ts';
import type { QueueBackend } from '../backend.ts';
import { createPostgresQueueBackend } from './backend.ts';
import { SEARCH_PATH, toBullmqPool } from './pool.ts';

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
