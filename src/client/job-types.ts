// Made from src/jobs/ by `npm run generate`.
import type customerJob from '../jobs/customer.ts';
import type customerImportJob from '../jobs/customer-import.ts';
import type { ShapeOf } from './job-type-map.ts';

/** What each job type takes and gives. */
export interface JobTypes {
  readonly customer: ShapeOf<typeof customerJob>;
  readonly customerImport: ShapeOf<typeof customerImportJob>;
}

/** Where each job type is submitted. */
export const COLLECTIONS = {
  customer: 'customers',
  customerImport: 'customer-imports',
} as const;
