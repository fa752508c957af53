/** The sample of this repository: customers, in src/jobs and src/customers. */
import { createCustomerRepository } from './src/customers/customer-repository.ts';
import { defineConfig } from './src/index.ts';

export default defineConfig({
  jobs: 'src/jobs',
  providers: {
    customers: {
      // Stored customers are read by the API as well.
      api: true,
      async open({ database }) {
        const customers = createCustomerRepository(await database());
        await customers.migrate();
        return customers;
      },
    },
  },
});
