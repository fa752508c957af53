import { GraphQLClient } from 'graphql-request';
import { Status, Submit } from './operations.ts';

const client = new GraphQLClient('http://localhost:4000/graphql');
const { submitCustomerImport } = await client.request(Submit, {
  input: { customers: [{ id: '45', customername: 'Edsger Dijkstra' }] },
  idempotencyKey: 'import-45',
});
if (!submitCustomerImport) throw new Error('The import was not accepted.');
let job;
do {
  // Replies when the job is done, at most 30 seconds later.
  const { jobStatus } = await client.request(Status, { id: submitCustomerImport.jobId });
  job = jobStatus;
} while (job && !job.done);
console.log(job);
