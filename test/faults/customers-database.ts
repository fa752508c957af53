import { Pool } from 'pg';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { createDatabase } from '../support/stores.ts';

/** Seconds that a row takes to be written, so that work is in hand at any moment. */
const ROW_SECONDS = 0.2;
/** Rows of an import, which are many. */
const IMPORTED_ROW_SECONDS = 0.01;

/** One row that one run of a job wrote. */
const runSchema = z.object({ customer: z.string(), job: z.string() });
export type Run = z.output<typeof runSchema>;

/** Where customers live: on a server that no fault meets, so that the ledger can be held against it. */
export interface CustomersDatabase {
  readonly url: string;
  /** From now on each row that a run writes is noted, with the job's id, also when the row was there; and takes its time. */
  watch(): Promise<void>;
  readRuns(): Promise<Run[]>;
  /** The ids of the rows that hold what was submitted under these ids. */
  readRows(): Promise<Set<string>>;
}

/** What is submitted as a customer's name. */
export function nameOf(id: string): string {
  return `Customer ${id}`;
}

export async function createCustomersDatabase(): Promise<CustomersDatabase> {
  const url = await createDatabase();
  const pool = new Pool({ connectionString: url, max: 2 });
  onTestFinished(() => pool.end());
  return {
    url,
    async watch() {
      await pool.query(`
        CREATE SCHEMA faults;
        CREATE TABLE faults.runs (customer text, job text);
        CREATE FUNCTION faults.note_run() RETURNS trigger LANGUAGE plpgsql AS $$
          BEGIN
            INSERT INTO faults.runs VALUES (NEW.id, NEW.created_by);
            PERFORM pg_sleep(CASE WHEN NEW.created_by LIKE 'customerImport%' THEN ${IMPORTED_ROW_SECONDS} ELSE ${ROW_SECONDS} END);
            RETURN NEW;
          END
        $$;
        CREATE TRIGGER note_run BEFORE INSERT ON accepted.customers FOR EACH ROW EXECUTE FUNCTION faults.note_run();
      `);
    },
    async readRuns() {
      const { rows } = await pool.query('SELECT customer, job FROM faults.runs');
      return z.array(runSchema).parse(rows);
    },
    async readRows() {
      const { rows } = await pool.query('SELECT id, customername FROM accepted.customers');
      const customers = z.array(z.object({ id: z.string(), customername: z.string() })).parse(rows);
      return new Set(customers.flatMap(({ id, customername }) => (customername === nameOf(id) ? [id] : [])));
    },
  };
}
