import type { PgPool } from 'bullmq';
import type { Pool, QueryConfig } from 'pg';
import { retryDeadlocks } from '../../stores/postgres-pool.ts';

/** Where BullMQ's statements find its tables. */
export const SEARCH_PATH = '-c search_path=bullmq';

/**
 * The pool that BullMQ is given.
 *
 * BullMQ's functions that complete a job also promote the jobs whose delay is over. Workers that lock the same jobs in different orders
 * end in a deadlock, and PostgreSQL rolls one statement back. Without another try, BullMQ would report a job as failed that was done.
 */
export function toBullmqPool(pool: Pool, connect: () => Promise<unknown> = () => pool.connect()): PgPool {
  const own = {
    // The counter of requests passes a named statement with its parameters.
    query: (statement: string | QueryConfig, parameters?: unknown[]) =>
      retryDeadlocks(() => pool.query(statement, parameters)),
    connect,
    end: () => pool.end(),
    on: (event: 'error', listener: (error: Error) => void) => pool.on(event, listener),
    removeAllListeners: (event?: string) => pool.removeAllListeners(event),
  };
  // pg's methods are those of BullMQ's PgPool; its types only write the rows and the overloads of `on` differently.
  return own as unknown as PgPool;
}
