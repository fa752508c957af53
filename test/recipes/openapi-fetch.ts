import createClient from 'openapi-fetch';
import type { paths } from './generated/openapi.d.ts';

const client = createClient<paths>({ baseUrl: 'http://localhost:4000' });
const { data, error } = await client.POST('/api/customer-imports', {
  params: { header: { 'Idempotency-Key': '"import-45"' } },
  body: { customers: [{ id: '45', customername: 'Edsger Dijkstra' }] },
});
if (!data || !('id' in data)) throw new Error('The import was not accepted.', { cause: error });
let reply;
do {
  // Replies with the result when the job is done, or with 202 at most 30 seconds later.
  reply = await client.GET('/api/jobs/{id}', {
    params: { path: { id: data.id }, query: { onComplete: 'stream' }, header: { Prefer: 'wait=30' } },
  });
} while (reply.response.status === 202);
console.log(reply.data ?? reply.error);
