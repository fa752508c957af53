import type { Logger } from '../core/ports.ts';
import type { QueueBackend } from './backend.ts';
import type { EmbeddedPool } from '../stores/embedded-pool.ts';
import { connectEmbeddedQueue, connectPostgresQueue } from './postgres/connect.ts';
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
  if (url === undefined) return connectEmbeddedQueue(embedded, logger);
  if (/^postgres(ql)?:/.test(url)) return connectPostgresQueue(url, listeners, logger);
  return createRedisBackend(url, logger);
}
