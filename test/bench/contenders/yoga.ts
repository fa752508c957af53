import { createServer } from 'node:http';
import { type YogaInitialContext, createSchema, createYoga } from 'graphql-yoga';
import { resolversFor, typeDefs } from './shared/graphql.ts';
import { serve } from './shared/serve.ts';

const resolvers = resolversFor<YogaInitialContext>(({ request }) => `http://${request.headers.get('host')}`);

const yoga = createYoga({ schema: createSchema({ typeDefs, resolvers }) });
serve(createServer((request, response) => void yoga(request, response)));
