import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { resolversFor, typeDefs } from './shared/graphql.ts';
import { HOST, sayReady } from './shared/serve.ts';

interface Context {
  readonly base: string;
}

const server = new ApolloServer<Context>({ typeDefs, resolvers: resolversFor<Context>(({ base }) => base) });
const { url } = await startStandaloneServer(server, {
  listen: { port: 0, host: HOST },
  context: async ({ req }) => ({ base: `http://${req.headers.host}` }),
});
// Apollo Server answers on every path.
sayReady(new URL(url).origin);
