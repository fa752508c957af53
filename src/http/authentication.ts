import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticate, Caller } from '../core/access/caller.ts';
import { takeAccessTokens } from './access-token.ts';

/** What needs no caller: health, what the API says of itself, and the way to its pages. By route, which no spelling of a URL changes. */
const OPEN_ROUTES = /^\/($|health\/|openapi\.json$|docs($|\/)|problems($|\/))/;
const BEARER = /^bearer +(.*)$/i;

/** Who sees a page before it has said who it is: the page itself, and nothing else. */
const NOBODY: Caller = { kind: 'principal', id: 'nobody', scopes: new Set() };

const NO_TOKENS: readonly string[] = [];

declare module 'fastify' {
  interface FastifyRequest {
    /** Null until it is known. */
    caller: Caller | null;
  }
}

/** Gives every request the place where its caller is kept. */
export function addCaller(app: FastifyInstance): void {
  app.decorateRequest('caller', null);
}

async function keep(request: FastifyRequest, caller: Promise<Caller>): Promise<void> {
  request.caller = await caller;
}

export interface AuthenticationOptions {
  readonly authenticate: Authenticate;
  /** Whether a request asks for a page that anyone may load. */
  isPage(request: FastifyRequest): boolean;
}

/** Finds out who sends each request, before anything else of it is looked at. */
export interface Authentication {
  /** Takes tokens out of a request's URL, before it gets anywhere. */
  rewriteUrl(request: IncomingMessage): string;
  /**
   * A hook that calls `done`, or returns a promise where it takes time to find out.
   * @throws ServiceError `unauthenticated`, and what else `Authenticate` throws
   */
  onRequest(request: FastifyRequest, reply: FastifyReply, done: () => void): void | Promise<void>;
  callerOf(request: FastifyRequest): Caller;
  /** The token that a request had in its URL. */
  accessTokenOf(request: FastifyRequest): string | undefined;
}

export function createAuthentication({ authenticate, isPage }: AuthenticationOptions): Authentication {
  const tokens = new WeakMap<IncomingMessage, readonly string[]>();

  function isOpen(request: FastifyRequest): boolean {
    const { method, routeOptions } = request;
    if (method === 'OPTIONS' || OPEN_ROUTES.test(routeOptions.url ?? '')) return true;
    return isPage(request);
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
    onRequest(request, _reply, done) {
      if (isOpen(request)) return done();
      const { authorization, 'x-api-key': apiKey } = request.headers;
      const caller = authenticate({
        bearer: authorization === undefined ? undefined : BEARER.exec(authorization)?.[1]?.trim(),
        apiKey: apiKey?.toString(),
        accessTokens: tokens.get(request.raw) ?? NO_TOKENS,
      });
      if (caller instanceof Promise) return keep(request, caller);
      request.caller = caller;
      return done();
    },
    callerOf: ({ caller }) => caller ?? NOBODY,
    accessTokenOf: ({ raw }) => tokens.get(raw)?.[0],
  };
}
