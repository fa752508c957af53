import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseError, Pool, type PoolConfig } from 'pg';
import type { Logger } from '../core/ports.ts';
import { StartError } from '../core/start-error.ts';
import { createConnectionLog } from './connection-log.ts';

const RETRY_MS = 1000;

/** @throws StartError that names the setting, when the URL can't be read */
export function createPostgresPool(url: string, setting: string, options: PoolConfig): Pool {
  if (!URL.canParse(url)) throw new StartError(`${setting}: the URL cannot be read`);
  const pool = new Pool({ connectionString: url, connectionTimeoutMillis: 2000, keepAlive: true, ...options });
  // Each queue and worker listens for errors.
  pool.setMaxListeners(0);
  // An idle client that lost its server is replaced when one is needed; unheard, the event would end the process.
  pool.on('error', () => undefined);
  return pool;
}

/**
 * Resolves once the server answers, and tries on as long as it can't be reached.
 * @throws StartError that names the setting, when the server refuses these credentials or has no such database
 */
export async function waitForPostgres(pool: Pool, setting: string, logger: Logger): Promise<void> {
  const log = createConnectionLog(logger);
  for (;;) {
    try {
      await pool.query('SELECT 1');
      log.recovered();
      return;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      // Class 28: invalid authorization; 3D: no such database (PostgreSQL's manual, appendix A).
      if (error instanceof DatabaseError && /^(28|3D)/.test(error.code ?? '')) {
        throw new StartError(`${setting}: ${error.message}`, { cause: error });
      }
      if (pool.ending) return;
      log.failed(error);
      await delay(RETRY_MS);
    }
  }
}
