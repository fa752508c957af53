import { ApolloClient, HttpLink, InMemoryCache } from '@apollo/client';
import { Submit, Updates } from './operations.ts';

const client = new ApolloClient({
  link: new HttpLink({ uri: 'http://localhost:4000/graphql' }),
  cache: new InMemoryCache(),
});

const input = { customers: [{ id: '45', customername: 'Edsger Dijkstra' }] };
const { data } = await client.mutate({ mutation: Submit, variables: { input, idempotencyKey: 'import-45' } });
if (!data?.submitCustomerImport) throw new Error('The import was not accepted.');
client
  .subscribe({ query: Updates, variables: { id: data.submitCustomerImport.jobId } })
  .subscribe((update) => console.log(update.data?.jobUpdates));
