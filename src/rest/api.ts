import type { FastifyInstance } from 'fastify';
import type { RestFaceOptions } from './routes/find-job.ts';
import { addCollectionRoutes } from './routes/collections.ts';
import { addJobRoutes } from './routes/jobs.ts';
import { requireAcceptable } from '../http/negotiation.ts';
import { addOperationRoutes } from './routes/operations.ts';

const JSON_TYPES = ['application/json', 'application/problem+json'];
const EVENTS_ROUTE = '/api/jobs/:id/events';

/** The REST face, under `/api`: the Asynchronous Request-Reply pattern over plain HTTP. */
export function createRestFace(options: RestFaceOptions): (app: FastifyInstance) => Promise<void> {
  return async (app) => {
    app.addHook('onRequest', (request, reply, done) => {
      if (request.routeOptions.url !== EVENTS_ROUTE) requireAcceptable(request, JSON_TYPES);
      // What a caller reads is its own, and may change at any time; a copy is asked for before it is used.
      reply.header('Cache-Control', 'private, no-cache');
      done();
    });

    addJobRoutes(app, options);
    addOperationRoutes(app, options);
    for (const type of options.service.registry.types) addCollectionRoutes(app, type, options);
  };
}
