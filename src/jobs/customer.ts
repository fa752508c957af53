import { z } from 'zod';
import { defineJob } from '../core/define-job.ts';
import { CUSTOMERNAME, customerSchema, rawCustomerSchema } from '../customers/customer.ts';
import { customerRepository } from '../customers/customer-repository.ts';
import { normalizeCustomer } from '../customers/normalize-customer.ts';

export default defineJob({
  name: 'customer',
  collection: 'customers',
  description: 'Validates, normalizes and stores one customer.',
  input: rawCustomerSchema.extend({
    id: rawCustomerSchema.shape.id.min(1).max(64),
    customername: z
      .string()
      .regex(/\S/, 'Too small: expected at least one character other than white space')
      .max(200)
      .meta(CUSTOMERNAME),
  }),
  result: customerSchema,
  resource: {
    idOf: (customer) => customer.id,
    find: (id, use) => use(customerRepository).find(id),
  },
  async run(input, job) {
    return job.use(customerRepository).upsert(normalizeCustomer(input), job.id);
  },
});
