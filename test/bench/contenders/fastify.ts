import * as queue from './shared/bullmq.ts';
import { serveRest } from './shared/rest-on-fastify.ts';

await serveRest(queue);
