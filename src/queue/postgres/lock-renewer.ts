import { type PostgresQueueBackend, createPostgresBackend } from 'bullmq';
import { z } from 'zod';
import { createPostgresPool } from '../../stores/postgres-pool.ts';
import type { LockRenewer } from '../backend.ts';
import { SEARCH_PATH, toBullmqPool } from './pool.ts';
import { STATEMENTS } from './statements.ts';

const locksSchema = z.array(z.object({ id: z.string(), token: z.string() }));

export function createPostgresLockRenewer(url: string): LockRenewer {
  const pool = createPostgresPool(url, 'QUEUE_URL', { options: SEARCH_PATH, max: 1, query_timeout: 2500 });
  const bullmqPool = toBullmqPool(pool);
  const backends = new Map<string, PostgresQueueBackend>();
  const backendOf = (type: string): PostgresQueueBackend => {
    const backend = backends.get(type) ?? createPostgresBackend(type, { connection: bullmqPool }, {});
    backends.set(type, backend);
    return backend;
  };
  return {
    async renew({ type, token, timeoutMs, lockMs }) {
      const { rows } = await pool.query(STATEMENTS.readLocks.text, [type, token, Date.now() - timeoutMs]);
      const locks = locksSchema.parse(rows);
      if (locks.length === 0) return;
      await backendOf(type).extendLocks(
        locks.map(({ id }) => id),
        locks.map((lock) => lock.token),
        lockMs,
      );
    },
  };
}
