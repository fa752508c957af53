import { Client } from 'pg';
import { z } from 'zod';
import { ALL_INDEX } from './statements.ts';

const CONNECT_MS = 2000;
/** It reads the whole table, twice, beside all other work. */
const BUILD_MS = 3_600_000;

const lockedSchema = z.tuple([z.object({ locked: z.boolean() })]);

/**
 * Builds the index of lists over all callers without keeping others from writing, unless another process is about it. What a process that
 * ended has left of it, which is of no use, goes first.
 */
export async function buildIndex(url: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_MS, query_timeout: BUILD_MS });
  client.on('error', () => undefined);
  await client.connect();
  try {
    // Waiting for the lock would hold a snapshot, for which the build would wait.
    const { rows } = await client.query(`SELECT pg_try_advisory_lock(hashtext('accepted:index')) AS locked`);
    if (!lockedSchema.parse(rows)[0].locked) return;
    await client.query('DROP INDEX CONCURRENTLY IF EXISTS bullmq.accepted_all_jobs_by_status');
    await client.query(`CREATE INDEX CONCURRENTLY ${ALL_INDEX}`);
  } finally {
    await client.end();
  }
}
