import type { FastifyInstance, RouteHandlerMethod } from 'fastify';
import { ServiceError } from '../core/errors.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'QUERY'] as const;

/** What one URL does, by method. GET brings HEAD with it. */
export interface Endpoint {
  readonly GET?: RouteHandlerMethod;
  readonly POST?: RouteHandlerMethod;
  readonly DELETE?: RouteHandlerMethod;
}

/**
 * Adds an endpoint that tells of its methods: OPTIONS is 204 with `Allow`, and any other method 405 with it
 * (RFC 9110, sections 9.3.7 and 15.5.6).
 */
export function addEndpoint(app: FastifyInstance, url: string, endpoint: Endpoint): void {
  const allowed: readonly string[] = [...Object.keys(endpoint), ...(endpoint.GET ? ['HEAD'] : []), 'OPTIONS'];
  const allow = allowed.join(', ');
  for (const method of ['GET', 'POST', 'DELETE'] as const) {
    const handler = endpoint[method];
    if (handler !== undefined) app.route({ method, url, handler });
  }
  app.route({
    method: 'OPTIONS',
    url,
    handler: async (_request, reply) => reply.status(204).header('Allow', allow).send(),
  });
  app.route({
    method: METHODS.filter((method) => !allowed.includes(method)),
    url,
    async handler(request, reply) {
      reply.header('Allow', allow);
      throw new ServiceError('method-not-allowed', `${request.method} is not allowed here; ${allow} are.`);
    },
  });
}
