import { Kysely, PostgresDialect, type PostgresPool, sql } from 'kysely';
import { providerKey } from '../index.ts';
import type { Customer } from './customer.ts';
import { migrate } from './migrations.ts';
import type { NormalCustomer } from './normalize-customer.ts';
import { type Database, SCHEMA } from './table.ts';

/** Reads and writes customers. */
export interface CustomerRepository {
  find(id: string): Promise<Customer | undefined>;
  /** Inserts a customer, or updates the one with the same id. */
  upsert(customer: NormalCustomer, jobId: string): Promise<Customer>;
  /**
   * Inserts or updates many customers in one statement.
   * @param customers at most 10,000, with unique ids
   * @returns the ids of the customers that this job created, in this attempt or an earlier one
   */
  upsertAll(customers: readonly NormalCustomer[], jobId: string): Promise<ReadonlySet<string>>;
  /** Creates or updates the table. */
  migrate(): Promise<void>;
}

export const customerRepository = providerKey<CustomerRepository>('customers');

/** @param pool a `pg.Pool` or a compatible object; the caller keeps it and ends it */
export function createCustomerRepository(pool: PostgresPool): CustomerRepository {
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) }).withSchema(SCHEMA);
  const columns = ['id', 'customername', 'email', 'phone', 'country', 'updated_at'] as const;

  const upsert = (customers: readonly NormalCustomer[], jobId: string) =>
    db
      .insertInto('customers')
      // A fixed order keeps two statements over the same rows from deadlocking.
      .values(
        customers
          .toSorted((a, b) => (a.id < b.id ? -1 : 1))
          .map((customer) => Object.assign({ created_by: jobId }, customer)),
      )
      .onConflict((conflict) =>
        conflict.column('id').doUpdateSet(({ ref }) => ({
          customername: ref('excluded.customername'),
          email: ref('excluded.email'),
          phone: ref('excluded.phone'),
          country: ref('excluded.country'),
          updated_at: sql`now()`,
        })),
      );

  return {
    async find(id) {
      const row = await db.selectFrom('customers').select(columns).where('id', '=', id).executeTakeFirst();
      return row && toCustomer(row);
    },
    async upsert(customer, jobId) {
      return toCustomer(await upsert([customer], jobId).returning(columns).executeTakeFirstOrThrow());
    },
    async upsertAll(customers, jobId) {
      if (customers.length === 0) return new Set();
      const rows = await upsert(customers, jobId).returning(['id', 'created_by']).execute();
      return new Set(rows.filter((row) => row.created_by === jobId).map((row) => row.id));
    },
    migrate: () => migrate(db),
  };
}

function toCustomer({ updated_at, ...customer }: Omit<Customer, 'updatedAt'> & { updated_at: Date }): Customer {
  return { ...customer, updatedAt: updated_at.toISOString() };
}
