import { z } from 'zod';
import { JobError, defineJob } from '../index.ts';
import { type RawCustomer, rawCustomerSchema } from '../customers/customer.ts';
import { customerRepository } from '../customers/customer-repository.ts';
import { type NormalCustomer, normalizeCustomer } from '../customers/normalize-customer.ts';

const BATCH_SIZE = 250;
const MAX_ROWS = 10_000;
/** Of the message about a row: one about each row still fits into a result. */
const MAX_MESSAGE_LENGTH = 80;

type Row = { readonly raw: RawCustomer } | { readonly problem: JobError };

/** A row is checked by itself: one that does not fit is rejected in the result, and never refuses the others. */
const rowSchema = z
  .strictObject(rawCustomerSchema.shape)
  .meta({ id: 'NewCustomer', description: 'A customer. One that is not valid is reported in the result.' })
  .transform((raw): Row => ({ raw }))
  // Called without a context where a document describes the schema.
  .catch((context: CatchContext | undefined) => ({ problem: toProblem(context?.error.issues[0]) }));

interface CatchContext {
  readonly error: { readonly issues: readonly z.core.$ZodIssue[] };
}

function toProblem({ path = [], message = '' }: Partial<z.core.$ZodIssue> = {}): JobError {
  const [field] = path;
  const code = typeof field === 'string' ? `INVALID_${field.toUpperCase()}` : 'INVALID_ROW';
  const place = path.length === 0 ? '' : `${path.join('.')}: `;
  return new JobError(code, `${place}${message}`.slice(0, MAX_MESSAGE_LENGTH).toWellFormed(), { retry: false });
}

const rejectedRowSchema = z
  .object({
    index: z.int().min(0).max(MAX_ROWS).describe('Position in the list, from 0.'),
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
    customers: z.array(rowSchema).min(1).max(MAX_ROWS).describe('1 to 10,000 customers.'),
  }),
  result: z.object({
    imported: z.int().min(0).max(MAX_ROWS).describe('Number of new customers.'),
    updated: z.int().min(0).max(MAX_ROWS).describe('Number of existing customers that were updated.'),
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
  rows: readonly Row[],
  offset: number,
  seen: Set<string>,
  rejected: RejectedRow[],
): NormalCustomer[] {
  return rows.flatMap((row, position) => {
    try {
      if ('problem' in row) throw row.problem;
      const customer = normalizeCustomer(row.raw);
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
