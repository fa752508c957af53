import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { RequestContext } from '../core/request-context.ts';
import type { JobService } from '../core/service.ts';
import { addCollectionRoutes } from './collection-routes.ts';
import { addJobRoutes } from './job-routes.ts';
import { requireAcceptable } from './negotiation.ts';
import { addOperationRoutes } from './operation-routes.ts';

export interface RestFaceOptions {
  readonly service: JobService;
  contextOf(request: FastifyRequest, reply: FastifyReply): RequestContext;
}

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
