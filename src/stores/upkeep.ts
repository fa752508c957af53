import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { EmbeddedPool } from './embedded-pool.ts';

/** Milliseconds between two passes. */
const INTERVAL_MS = 5000;
/** So many bytes of changes are written before a checkpoint, which lets PostgreSQL reuse their files. */
const LOG_BYTES = 8_000_000;

/** A table is worth a vacuum when it has this many dead rows, and a fifth as many as it has living ones, as for PostgreSQL's own. */
const DUE = `
  SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), (pg_control_checkpoint()).redo_lsn)::float8 AS log,
         ARRAY(SELECT format('%I.%I', schemaname, relname) FROM pg_stat_all_tables
                WHERE schemaname <> 'pg_toast' AND n_dead_tup >= 1000 + n_live_tup / 5) AS tables`;
const dueSchema = z.object({ log: z.number(), tables: z.array(z.string()) });

/** Does what PostgreSQL's background processes do, which PGlite lacks: without it the folder would grow with every job. */
export async function tidy(pool: Pick<EmbeddedPool, 'query'>): Promise<void> {
  const { log, tables } = dueSchema.parse((await pool.query(DUE)).rows[0]);
  // Each holds the session alone, so that what waits takes turns with them.
  for (const table of tables) await pool.query(`VACUUM ${table}`);
  if (log >= LOG_BYTES) await pool.query('CHECKPOINT');
}

/** @returns stops it */
export function startUpkeep(pool: Pick<EmbeddedPool, 'query'>): () => Promise<void> {
  const closing = new AbortController();
  const { signal } = closing;
  const running = (async () => {
    while (!signal.aborted) {
      // A pass that fails, as on a full disk, is followed by others.
      await tidy(pool).catch(() => undefined);
      await delay(INTERVAL_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  })();
  return async () => {
    closing.abort();
    await running;
  };
}
