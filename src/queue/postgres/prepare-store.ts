import { type PgPoolClient, runMigrations } from 'bullmq';
import { z } from 'zod';
import { isConnectionError } from '../../stores/connection-error.ts';
import { PROBE, ROUNDS, SCHEMA_STATEMENTS, STATEMENTS, type Statement } from './statements.ts';

/** How PostgreSQL names a function of BullMQ's that it does not find. */
const MISSING_FUNCTION = /function bullmq\.(\w+)\(/;

const foundSchema = z.array(z.object({ parameters: z.string() }));

/**
 * Creates or updates BullMQ's tables and what stands beside them, runs the functions and triggers among that, and has PostgreSQL plan each
 * statement, so that another version of BullMQ with other tables or functions stops the start rather than a request.
 * @param fair whether callers take turns
 * @throws Error that says what changed
 */
export async function prepareStore(client: PgPoolClient, fair: boolean): Promise<void> {
  await runMigrations(client);
  await client.query('BEGIN');
  // Of processes that start together, one at a time creates what is missing.
  await client.query(`SELECT pg_advisory_xact_lock(hashtext('accepted:schema'))`);
  for (const statement of SCHEMA_STATEMENTS) {
    if (statement !== ROUNDS || fair) await checked(client, statement, statement.text);
  }
  await client.query('COMMIT');
  for (const statement of Object.values(STATEMENTS)) {
    await checked(client, statement, `PREPARE accepted_check AS ${statement.text}`);
    await client.query('DEALLOCATE accepted_check');
  }
  await client.query('BEGIN');
  await checked(client, PROBE, PROBE.text);
  await client.query('ROLLBACK');
}

async function checked(client: PgPoolClient, { name }: Statement, text: string): Promise<void> {
  try {
    await client.query(text);
  } catch (error) {
    if (isConnectionError(error) || !(error instanceof Error)) throw error;
    const missing = MISSING_FUNCTION.exec(error.message)?.[1];
    if (missing === undefined) {
      throw new Error(`${name}.sql does not fit the tables and functions of BullMQ in this database`, { cause: error });
    }
    await client.query('ROLLBACK');
    const found = await client.query(
      `SELECT pg_get_function_arguments(oid) AS parameters FROM pg_proc
        WHERE pronamespace = 'bullmq'::regnamespace AND proname = $1`,
      [missing],
    );
    const signatures = foundSchema.parse(found.rows).map(({ parameters }) => `(${parameters})`);
    const now =
      signatures.length === 0
        ? 'is missing'
        : `takes other parameters than ${name}.sql passes: ${signatures.join(', ')}`;
    throw new Error(`BullMQ's function bullmq.${missing} ${now}`, { cause: error });
  }
}
