import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient } from 'graphql-sse';
import { Submit, Updates } from './operations.ts';

const url = 'http://localhost:4000/graphql';
const sse = createClient({ url });
const client = new Client({
  url,
  exchanges: [
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query = '', variables = {} }) => ({
        subscribe: (sink) => ({ unsubscribe: sse.subscribe({ query, variables }, sink) }),
      }),
    }),
  ],
});

const input = { customers: [{ id: '45', customername: 'Edsger Dijkstra' }] };
const { data, error } = await client.mutation(Submit, { input, idempotencyKey: 'import-45' });
if (!data?.submitCustomerImport) throw new Error('The import was not accepted.', { cause: error });
client
  .subscription(Updates, { id: data.submitCustomerImport.jobId })
  .subscribe((update) => console.log(update.data?.jobUpdates));
