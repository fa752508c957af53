import { type Kysely, type Migration, Migrator, sql } from 'kysely';
import { type Database, SCHEMA } from './table.ts';

/** Run in the order of their names. Append new ones; never change one that has been released. */
const MIGRATIONS: Record<string, Migration> = {
  '0001-customers': {
    async up(db) {
      await db.schema
        .createTable('customers')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('customername', 'text', (column) => column.notNull())
        .addColumn('email', 'text')
        .addColumn('phone', 'text')
        .addColumn('country', 'text')
        .addColumn('created_by', 'text', (column) => column.notNull())
        .addColumn('updated_at', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
        .execute();
    },
  },
};

/** Brings the tables up to date. Several processes may start at once: an advisory lock lets one run at a time. */
export async function migrate(db: Kysely<Database>): Promise<void> {
  const migrator = new Migrator({
    db: db.withSchema(SCHEMA),
    provider: { getMigrations: async () => MIGRATIONS },
    migrationTableSchema: SCHEMA,
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw new Error("the customers' table could not be brought up to date", { cause: error });
}
