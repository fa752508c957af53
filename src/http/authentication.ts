import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { Authenticate, Caller } from '../core/caller.ts';
import { wantsGraphiQL } from '../graphql/graphiql.ts';
import { takeAccessTokens } from './access-token.ts';

/** What needs no caller: health, what the API says of itself, and the way to its pages. By route, which no spelling of a URL changes. */
const OPEN_ROUTES = /^\/($|health\/|openapi\.json$|docs($|\/)|problems($|\/))/;
const GRAPHQL_ROUTE = '/graphql';
const BEARER = /^bearer +(.*)$/i;

/** Who sees a page before it has said who it is: the page itself, and nothing else. */
const NOBODY: Caller = { kind: 'principal', id: 'nobody', scopes: new Set() };

export interface AuthenticationOptions {
  readonly authenticate: Authenticate;
  /** Whether `/graphql` is a page too. */
  readonly graphiql: boolean;
}

/** Finds out who sends each request, before anything else of it is looked at. */
export interface Authentication {
  /** Takes tokens out of a request's URL, before it gets anywhere. */
  rewriteUrl(request: IncomingMessage): string;
  /** @throws ServiceError `unauthenticated`, and what else `Authenticate` throws */
  onRequest(request: FastifyRequest): Promise<void>;
  callerOf(request: FastifyRequest): Caller;
  /** The token that a request had in its URL. */
  accessTokenOf(request: FastifyRequest): string | undefined;
}

export function createAuthentication({ authenticate, graphiql }: AuthenticationOptions): Authentication {
  const tokens = new WeakMap<IncomingMessage, readonly string[]>();
  const callers = new WeakMap<FastifyRequest, Caller>();

  function isOpen(request: FastifyRequest): boolean {
    const { method, routeOptions } = request;
    if (method === 'OPTIONS' || OPEN_ROUTES.test(routeOptions.url ?? '')) return true;
    return graphiql && routeOptions.url === GRAPHQL_ROUTE && wantsGraphiQL(request);
  }

  return {
    rewriteUrl(request) {
      const { url, accessTokens } = takeAccessTokens(request.url ?? '/');
      if (accessTokens.length > 0) {
        tokens.set(request, accessTokens);
        // Fastify keeps the URL as it was, and Yoga reads it there.
        Object.assign(request, { originalUrl: url });
      }
      return url;
    },
    async onRequest(request) {
      if (isOpen(request)) return;
      const { authorization, 'x-api-key': apiKey } = request.headers;
      const caller = await authenticate({
        bearer: BEARER.exec(authorization ?? '')?.[1]?.trim(),
        apiKey: apiKey?.toString(),
        accessTokens: tokens.get(request.raw) ?? [],
      });
      callers.set(request, caller);
    },
    callerOf: (request) => callers.get(request) ?? NOBODY,
    accessTokenOf: ({ raw }) => tokens.get(raw)?.[0],
  };
}
