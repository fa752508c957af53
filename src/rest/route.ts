import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodOpenApiOperationObject } from 'zod-openapi';
import type { RequestContext } from '../core/service/request-context.ts';
import type { JobService } from '../core/service/service.ts';
import { type Endpoint, addEndpoint } from '../http/endpoint.ts';

/** What the OpenAPI document says about a route (OpenAPI 3.1.1, section 4.8.10), with zod schemas instead of JSON Schema. */
export interface Operation extends ZodOpenApiOperationObject {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
}

/**
 * One operation: its address, its documentation and its handler. The server and the OpenAPI document are both made from it.
 * The document validates nothing: a handler parses what it reads, with the schemas that the operation names.
 */
export interface Route<Api> {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** A path template of OpenAPI, such as `/api/jobs/{id}`. */
  readonly path: `/${string}`;
  readonly operation: Operation;
  /** Whether its replies are streams, which are never compressed. */
  readonly streams?: true;
  handle(request: FastifyRequest, reply: FastifyReply, api: Api): unknown;
}

/** What the document needs of a route. */
export type DocumentedRoute = Pick<Route<never>, 'method' | 'path' | 'operation'>;

/** What the routes under `/api` work with. */
export interface RestApi {
  readonly service: JobService;
  contextOf(request: FastifyRequest, reply: FastifyReply): RequestContext;
}

/** A path template of OpenAPI as Fastify has it. */
export function toFastifyPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

/** Registers the routes, and OPTIONS and 405 for each path. */
export function addRoutes<Api>(app: FastifyInstance, routes: readonly Route<Api>[], api: Api): void {
  for (const [path, ofPath] of Map.groupBy(routes, (route) => route.path)) {
    const handlers = ofPath.map(({ method, handle }) => [
      method,
      (request: FastifyRequest, reply: FastifyReply) => handle(request, reply, api),
    ]);
    const endpoint: Endpoint = Object.fromEntries(handlers);
    const streams = ofPath.some((route) => route.streams === true);
    addEndpoint(app, toFastifyPath(path), endpoint, { streams });
  }
}
