import { setTimeout as delay } from 'node:timers/promises';
import { Pool, type PoolConfig } from 'pg';
import type { DatabasePool } from '../core/providers.ts';
import { StartError } from '../core/start-error.ts';
import { isConnectionError } from './connection-error.ts';

/** @throws StartError that names the setting, when the URL is not valid */
export function createPostgresPool(url: string, setting: string, options: PoolConfig): Pool {
  if (!URL.canParse(url)) throw new StartError(`${setting}: the URL cannot be read`);
  const pool = new Pool({ connectionString: url, connectionTimeoutMillis: 2000, keepAlive: true, ...options });
  // Each queue and worker listens for errors.
  pool.setMaxListeners(0);
  // Without a listener, an idle client that loses its server would end the process. The pool replaces it when needed.
  pool.on('error', () => undefined);
  // The same holds for a client in use, whose query rejects as well.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** The pool as the dependencies of a project get it. */
export function toDatabasePool(pool: Pool): DatabasePool {
  const own = {
    query: (text: string, parameters?: unknown[]) => pool.query(text, parameters),
    connect: () => pool.connect(),
    // The process ends it.
    end: async () => undefined,
  };
  // pg's results have all of these fields; its types only write the rows differently.
  return own as unknown as DatabasePool;
}

/**
 * Runs one step of a start on a PostgreSQL server or on the embedded store.
 * @throws StartError that names the setting, when the database can be reached and refuses
 */
export async function startStep<T>(setting: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw toStartError(setting, error);
  }
}

/** A StartError that names the setting; the error itself where another try may succeed. */
export function toStartError(setting: string, error: unknown): unknown {
  if (isConnectionError(error) || error instanceof StartError || !(error instanceof Error)) return error;
  const reason = error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
  return new StartError(`${setting}: ${reason}`, { cause: error });
}

/** Deadlock, and a transaction that could not be serialized (PostgreSQL's manual, appendix A): it was rolled back. */
const ROLLED_BACK = /^40(P01|001)$/;
const MAX_TRIES = 5;
/** The most that is waited before another try, in milliseconds; the random part keeps two transactions from meeting again. */
const RETRY_MS = 50;

/** Runs a statement outside of a transaction again when PostgreSQL rolled it back to end a deadlock. */
export async function retryDeadlocks<T>(statement: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await statement();
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (!ROLLED_BACK.test(code) || tries === MAX_TRIES) throw error;
      await delay(RETRY_MS * Math.random());
    }
  }
}
