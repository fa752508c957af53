import Fastify from 'fastify';
import mercurius, { type MercuriusContext } from 'mercurius';
import { resolversFor, typeDefs } from './shared/graphql.ts';
import { serve } from './shared/serve.ts';

const resolvers = resolversFor<MercuriusContext>(({ reply }) => `http://${reply.request.host}`);

const app = Fastify();
await app.register(mercurius, { schema: typeDefs, resolvers, jit: 1 });
await app.ready();
serve(app.server);
