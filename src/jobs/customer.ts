import { defineJob } from '../index.ts';
import { customerSchema, rawCustomerSchema } from '../customers/customer.ts';
import { customerRepository } from '../customers/customer-repository.ts';
import { normalizeCustomer } from '../customers/normalize-customer.ts';

export default defineJob({
  name: 'customer',
  collection: 'customers',
  description: 'Validates, normalizes and stores one customer.',
  // A copy, which is named after this job type.
  input: rawCustomerSchema.extend({}),
  result: customerSchema,
  resource: {
    idOf: (customer) => customer.id,
    find: (id, use) => use(customerRepository).find(id),
  },
  async run(input, job) {
    return job.use(customerRepository).upsert(normalizeCustomer(input), job.id);
  },
});
