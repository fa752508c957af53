import type { Pool, PoolConfig } from 'pg';
import { createPostgresPool } from '../../src/stores/postgres-pool.ts';

/** A pool that survives the end of its server: a query that this breaks rejects, and nothing else does. */
export function openPool(url: string | undefined, options: PoolConfig = {}): Pool {
  return createPostgresPool(url ?? '', 'the URL', { connectionTimeoutMillis: 0, ...options });
}
