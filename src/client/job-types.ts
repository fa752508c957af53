// Generated from src/jobs/ by `npm run generate`.
import type customerJob from '../jobs/customer.ts';
import type customerImportJob from '../jobs/customer-import.ts';
import type { ShapeOf } from './job-type-map.ts';

/** The input and the result of each job type. */
export interface JobTypes {
  readonly customer: ShapeOf<typeof customerJob>;
  readonly customerImport: ShapeOf<typeof customerImportJob>;
}

/** The REST collection of each job type. */
export const COLLECTIONS = {
  customer: 'customers',
  customerImport: 'customer-imports',
} as const;
