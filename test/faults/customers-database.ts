import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { createDatabase } from '../support/stores.ts';
import { openPool } from '../support/postgres.ts';

/** Seconds that writing a row takes, so that some job is running at any moment. */
const ROW_SECONDS = 0.2;
/** The same for each row of an import. */
const IMPORTED_ROW_SECONDS = 0.01;

/** One row that one run of a job wrote. */
const runSchema = z.object({ customer: z.string(), job: z.string() });
export type Run = z.output<typeof runSchema>;

/** The customers' database, on a server without faults, to compare the ledger with. */
export interface CustomersDatabase {
  readonly url: string;
  /** From now on records each row that a run writes, with the job's id, and slows the writes down. */
  watch(): Promise<void>;
  readRuns(): Promise<Run[]>;
  /** The ids of the rows whose content is what was submitted. */
  readRows(): Promise<Set<string>>;
}

/** The submitted name of a customer. */
export function nameOf(id: string): string {
  return `Customer ${id}`;
}

export async function createCustomersDatabase(): Promise<CustomersDatabase> {
  const url = await createDatabase();
  const pool = openPool(url, { max: 2 });
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
