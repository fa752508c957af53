import type { Generated } from 'kysely';

/** The PostgreSQL schema of this project's own tables. */
export const SCHEMA = 'accepted';

/** The tables after all migrations. */
export interface Database {
  customers: {
    id: string;
    customername: string;
    email: string | null;
    phone: string | null;
    country: string | null;
    /** Id of the job that inserted the row, so that a later attempt of the same job counts it as new. */
    created_by: string;
    updated_at: Generated<Date>;
  };
}
