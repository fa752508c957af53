import type { Pool, PoolClient } from 'pg';
import { z } from 'zod';
import type { Logger } from '../../core/ports.ts';
import { describeUrl } from '../../stores/describe-url.ts';
import type { EmbeddedPool } from '../../stores/embedded-pool.ts';
import { createPostgresPool, retryDeadlocks } from '../../stores/postgres-pool.ts';
import type { QueueBackend } from '../backend.ts';
import { StartError } from '../../core/start-error.ts';
import { createPostgresQueueBackend } from './backend.ts';
import { buildIndex } from './build-index.ts';
import { SEARCH_PATH, toBullmqPool } from './pool.ts';
import { createSharedListener } from './shared-listener.ts';
import { ALL_INDEX } from './statements.ts';

export function connectEmbeddedQueue(embedded: EmbeddedPool, logger: Logger, fair = false): QueueBackend {
  return createPostgresQueueBackend({
    description: 'PostgreSQL, embedded',
    queuePool: embedded,
    workerPool: embedded,
    logger,
    exclusive: true,
    fair,
    queryPrepared: (name, text, values) =>
      name.startsWith('accepted:read-') ? embedded.read(text, values) : embedded.query(text, values),
    buildIndex: async () => void (await embedded.query(`CREATE INDEX IF NOT EXISTS ${ALL_INDEX}`)),
    close: async () => undefined,
  });
}

const sessionSchema = z.object({ id: z.number(), path: z.string() });

/** The most connections of a process, however many job types it has: these, one that listens, and those of the database. */
const QUEUE_CONNECTIONS = 4;
const WORKER_CONNECTIONS = 4;

/** @throws StartError that names QUEUE_URL, when it can't be read */
export function connectPostgresQueue(url: string, logger: Logger, fair = false): QueueBackend {
  const queuePool = createPostgresPool(url, 'QUEUE_URL', {
    options: SEARCH_PATH,
    max: QUEUE_CONNECTIONS,
    query_timeout: 5000,
  });
  // Connections open when needed.
  const workerPool = createPostgresPool(url, 'QUEUE_URL', {
    options: SEARCH_PATH,
    max: WORKER_CONNECTIONS + 1,
    query_timeout: 10_000,
  });
  const listener = createSharedListener(workerPool);
  return createPostgresQueueBackend({
    description: `PostgreSQL (${describeUrl(url)})`,
    queuePool: toBullmqPool(queuePool),
    workerPool: toBullmqPool(workerPool, listener.connect),
    logger,
    exclusive: false,
    fair,
    buildIndex: () => buildIndex(url),
    queryPrepared: (name, text, values) => retryDeadlocks(() => queuePool.query({ name, text, values })),
    check: () => requireSessions(queuePool),
    async close() {
      await listener.close();
      await Promise.all([queuePool.end(), workerPool.end()]);
    },
  });
}

/** What PgBouncer says when a client brings settings, unless it is told to drop them. */
const REFUSED_SETTING = /unsupported startup parameter/;
const NO_SESSION =
  'QUEUE_URL: a pooler such as PgBouncer in transaction mode gives each transaction another session, in which nothing can listen for jobs; connect to PostgreSQL itself';

/** @throws StartError for a pooler between this process and PostgreSQL that does not keep a client's session */
async function requireSessions(pool: Pool): Promise<void> {
  const clients: PoolClient[] = [];
  try {
    const [first, second] = [await pool.connect(), await pool.connect()];
    clients.push(first, second);
    const session = "SELECT pg_backend_pid() AS id, current_setting('search_path') AS path";
    const states = [await first.query(session), await second.query(session)].map(({ rows }) =>
      sessionSchema.parse(rows[0]),
    );
    // A pooler gives the session of one to the other, or has dropped the setting that each came with.
    if (states[0]?.id === states[1]?.id || states.some(({ path }) => path !== 'bullmq'))
      throw new StartError(NO_SESSION);
  } catch (error) {
    if (error instanceof Error && REFUSED_SETTING.test(error.message))
      throw new StartError(NO_SESSION, { cause: error });
    throw error;
  } finally {
    for (const client of clients) client.release();
  }
}
