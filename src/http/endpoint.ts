import type { FastifyInstance, RouteHandlerMethod } from 'fastify';
import { ServiceError } from '../core/errors.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'QUERY'] as const;

/** The handlers of one URL, by method. GET includes HEAD. */
export interface Endpoint {
  readonly GET?: RouteHandlerMethod;
  readonly POST?: RouteHandlerMethod;
  readonly PUT?: RouteHandlerMethod;
  readonly DELETE?: RouteHandlerMethod;
}

export interface EndpointOptions {
  /**
   * Whether replies are streams, which are never compressed: a compressor would hold their parts back.
   * @default false
   */
  readonly streams?: boolean;
}

/**
 * Adds an endpoint that reports its methods: OPTIONS gets 204 with `Allow`, and any other method 405 with it
 * (RFC 9110, sections 9.3.7 and 15.5.6).
 */
export function addEndpoint(
  app: FastifyInstance,
  url: string,
  endpoint: Endpoint,
  { streams = false }: EndpointOptions = {},
): void {
  const allowed: readonly string[] = [...Object.keys(endpoint), ...(endpoint.GET ? ['HEAD'] : []), 'OPTIONS'];
  const allow = allowed.join(', ');
  for (const method of ['GET', 'POST', 'PUT', 'DELETE'] as const) {
    const handler = endpoint[method];
    if (handler !== undefined) app.route({ method, url, handler, ...(streams && { compress: false }) });
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
      throw new ServiceError('method-not-allowed', `${request.method} is not allowed. Allowed methods: ${allow}.`);
    },
  });
}
