import { z } from 'zod';
import { defineJob } from '../core/define-job.ts';
import { JobError } from '../core/job-error.ts';
import { type RawCustomer, rawCustomerSchema } from '../customers/customer.ts';
import { customerRepository } from '../customers/customer-repository.ts';
import { type NormalCustomer, normalizeCustomer } from '../customers/normalize-customer.ts';

const BATCH_SIZE = 250;

const rejectedRowSchema = z
  .object({
    index: z.int().describe('Position in the list, from 0.'),
    code: z.string().describe('The cause, such as INVALID_PHONE.'),
    message: z.string(),
  })
  .meta({ id: 'RejectedCustomer' });
type RejectedRow = z.output<typeof rejectedRowSchema>;

export default defineJob({
  name: 'customerImport',
  collection: 'customer-imports',
  description:
    'Validates, normalizes and stores a list of customers. Invalid rows are reported; the others are stored.',
  input: z.object({
    customers: z.array(rawCustomerSchema).min(1).max(10_000).describe('1 to 10,000 customers.'),
  }),
  result: z.object({
    imported: z.int().describe('Number of new customers.'),
    updated: z.int().describe('Number of existing customers that were updated.'),
    rejected: z.array(rejectedRowSchema).describe('Rows that were not stored, in the order of the list.'),
  }),
  timeoutSeconds: 600,
  concurrency: 2,
  async run({ customers }, job) {
    const repository = job.use(customerRepository);
    const rejected: RejectedRow[] = [];
    const seen = new Set<string>();
    let imported = 0;
    let updated = 0;
    for (let start = 0; start < customers.length; start += BATCH_SIZE) {
      job.signal.throwIfAborted();
      const end = Math.min(start + BATCH_SIZE, customers.length);
      const valid = normalizeRows(customers.slice(start, end), start, seen, rejected);
      const made = await repository.upsertAll(valid, job.id);
      imported += made.size;
      updated += valid.length - made.size;
      await job.progress((end / customers.length) * 100, `${end} of ${customers.length} customers`);
    }
    return { imported, updated, rejected };
  },
});

/** Returns the valid rows, and adds the others to `rejected`. */
function normalizeRows(
  rows: readonly RawCustomer[],
  offset: number,
  seen: Set<string>,
  rejected: RejectedRow[],
): NormalCustomer[] {
  return rows.flatMap((row, position) => {
    try {
      const customer = normalizeCustomer(row);
      if (seen.has(customer.id)) throw new JobError('DUPLICATE_ID', 'An earlier row has the same id.');
      seen.add(customer.id);
      return [customer];
    } catch (error) {
      if (!(error instanceof JobError)) throw error;
      rejected.push({ index: offset + position, code: error.code, message: error.message });
      return [];
    }
  });
}
