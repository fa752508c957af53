import type { Generated } from 'kysely';

/** The schema of PostgreSQL that holds this project's own tables. */
export const SCHEMA = 'accepted';

/** The tables as the migrations leave them. */
export interface Database {
  customers: {
    id: string;
    customername: string;
    email: string | null;
    phone: string | null;
    country: string | null;
    /** Id of the job that first wrote the row, so that a job which runs again knows its own rows. */
    created_by: string;
    updated_at: Generated<Date>;
  };
}
