import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { StartError } from '../../src/core/start-error.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { connectPostgresQueue } from '../../src/queue/postgres/connect.ts';
import { PROBE, SCHEMA_STATEMENTS, STATEMENTS } from '../../src/queue/postgres/statements.ts';
import { createDatabase } from '../support/stores.ts';
import { openPool } from '../support/postgres.ts';

const FOLDER = join(import.meta.dirname, '../../src/queue/postgres/sql');
/** Parts of several statements. */
const PARTS = ['all-index', 'record', 'status', 'stored'];

/** A database after a first start, and what starts again on it. */
async function startedDatabase() {
  const url = await createDatabase();
  const database = openPool(url, { max: 1 });
  onTestFinished(() => database.end());
  const start = async (): Promise<void> => {
    const backend = connectPostgresQueue(url, createLogger('silent'), true);
    try {
      await backend.connect();
    } finally {
      await backend.close();
    }
  };
  await start();
  return { database, start };
}

describe('the statements of the queue on PostgreSQL', () => {
  const statements = [...SCHEMA_STATEMENTS, PROBE, ...Object.values(STATEMENTS)];

  it('are all there are files, one in each', () => {
    const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.sql'));
    const names = files.map((file) => file.replaceAll('\\', '/').replace(/\.sql$/, ''));
    expect(names.toSorted()).toEqual([...statements.map(({ name }) => name), ...PARTS].toSorted());
  });

  it.each(statements)('$name has no placeholder left', ({ text }) => {
    expect(text).not.toMatch(/\{\{|\}\}/);
  });

  it('are accepted by PostgreSQL with the tables of BullMQ, at the first start and later', async () => {
    const { start } = await startedDatabase();
    await expect(start()).resolves.toBeUndefined();
  });
});

describe('a start on a database that another version of BullMQ has changed', () => {
  const ADD_JOB = `bullmq.add_job(text, text, text, jsonb, jsonb, integer, bigint, bigint, integer,
    text, text, text, text, text, boolean)`;

  it('works when a function has a new parameter with a default', async () => {
    const { database, start } = await startedDatabase();
    await database.query(`ALTER FUNCTION ${ADD_JOB} RENAME TO add_job_before`);
    await database.query(`CREATE FUNCTION bullmq.add_job(p_first text DEFAULT 'new', p_queue text DEFAULT '', p_id text DEFAULT '',
      p_name text DEFAULT '', p_data jsonb DEFAULT '{}', p_opts jsonb DEFAULT '{}', p_priority integer DEFAULT 0,
      p_delay bigint DEFAULT 0, p_timestamp bigint DEFAULT 0, p_max_attempts integer DEFAULT 1,
      p_parent_queue text DEFAULT NULL, p_parent_id text DEFAULT NULL, p_parent_key text DEFAULT NULL,
      p_dedup_id text DEFAULT NULL, p_scheduler_id text DEFAULT NULL, p_lifo boolean DEFAULT false)
      RETURNS text LANGUAGE sql AS 'SELECT p_id'`);
    await expect(start()).resolves.toBeUndefined();
  });

  it.each([
    [
      'a function with another parameter',
      `DROP FUNCTION ${ADD_JOB}; CREATE FUNCTION bullmq.add_job(p_queue text, p_job jsonb) RETURNS text LANGUAGE sql AS 'SELECT p_queue'`,
      "QUEUE_URL: BullMQ's function bullmq.add_job takes other parameters than schema/add-batch.sql passes: (p_queue text, p_job jsonb)",
    ],
    [
      'a function that is missing',
      'ALTER FUNCTION bullmq.publish_event RENAME TO publish',
      "QUEUE_URL: BullMQ's function bullmq.publish_event is missing",
    ],
    [
      'a table with another column',
      'ALTER TABLE bullmq.job RENAME COLUMN attempts_made TO attempts',
      'QUEUE_URL: add-once.sql does not fit the tables and functions of BullMQ in this database: column "attempts_made" does not exist',
    ],
    [
      'a table that refuses what a trigger writes',
      'ALTER TABLE bullmq.job ADD CONSTRAINT bounded CHECK (priority <= 2097152)',
      'QUEUE_URL: probe.sql does not fit the tables and functions of BullMQ in this database: new row for relation "job" violates check constraint "bounded"',
    ],
  ])('names %s', async (_, change, message) => {
    const { database, start } = await startedDatabase();
    await database.query(change);
    const error = await start().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StartError);
    expect(String(error)).toContain(message);
  });
});
