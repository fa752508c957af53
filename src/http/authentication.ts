import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticate, Caller, Credentials } from '../core/access/caller.ts';
import { PROBLEMS, ServiceError } from '../core/errors.ts';
import { addVary } from './negotiation.ts';
import { PRIVATE } from './problem.ts';

/** Open to anyone: health, files by their signed URLs, the documentation, the console's page, and the redirect to GraphiQL. Matched by route, so that no spelling of a URL gets around it. */
const OPEN_ROUTES = /^\/($|health\/|files\/|uploads\/|openapi\.json$|docs($|\/)|problems($|\/)|console($|\/(?!api\/)))/;
const BEARER = /^bearer +(.*)$/i;

/** The caller of a page that is loaded without credentials: it may load the page, and do nothing else. */
const NOBODY: Caller = { kind: 'principal', id: 'nobody', scopes: new Set() };

/** The request headers that tell who asks. */
const CREDENTIALS = 'Authorization, X-API-Key';
const NO_TOKENS: readonly string[] = [];

declare module 'fastify' {
  interface FastifyRequest {
    /** Null until the request is authenticated. */
    caller: Caller | null;
  }
}

/** Declares the property that keeps the caller of a request. */
export function addCaller(app: FastifyInstance): void {
  app.decorateRequest('caller', null);
}

export interface AuthenticationOptions {
  readonly authenticate: Authenticate;
  /** Whether a request is for a page that anyone may load. */
  isPage(request: FastifyRequest): boolean;
  /** Called for credentials that are missing or wrong; may reject with another error. */
  onRefused?(request: FastifyRequest, reply: FastifyReply, error: ServiceError): Promise<void>;
}

/** Authenticates each request before it is handled. */
export interface Authentication {
  /** Removes access tokens from a request's URL, before it reaches a log or a handler. */
  rewriteUrl(request: IncomingMessage): string;
  /**
   * A hook that calls `done` where it needs not wait, and returns a promise otherwise.
   * @throws ServiceError `unauthenticated`, and what else `Authenticate` throws
   */
  onRequest(request: FastifyRequest, reply: FastifyReply, done: () => void): void | Promise<void>;
  callerOf(request: FastifyRequest): Caller;
  /** The access token from the request's URL. */
  accessTokenOf(request: FastifyRequest): string | undefined;
}

export function createAuthentication({ authenticate, isPage, onRefused }: AuthenticationOptions): Authentication {
  const tokens = new WeakMap<IncomingMessage, readonly string[]>();

  async function keep(request: FastifyRequest, reply: FastifyReply, caller: Promise<Caller>): Promise<void> {
    try {
      request.caller = await caller;
    } catch (error) {
      await refuse(request, reply, error);
    }
  }

  async function refuse(request: FastifyRequest, reply: FastifyReply, error: unknown): Promise<never> {
    if (error instanceof ServiceError && PROBLEMS[error.problem].status < 500) await onRefused?.(request, reply, error);
    throw error;
  }

  function isOpen(request: FastifyRequest): boolean {
    const { method, routeOptions } = request;
    if (method === 'OPTIONS' || OPEN_ROUTES.test(routeOptions.url ?? '')) return true;
    return isPage(request);
  }

  return {
    rewriteUrl(request) {
      const { url, accessTokens } = takeAccessTokens(toOriginForm(request));
      if (accessTokens.length > 0) tokens.set(request, accessTokens);
      // Fastify keeps the original URL here.
      if (url !== request.url) Object.assign(request, { originalUrl: url });
      return url;
    },
    onRequest(request, reply, done) {
      if (isOpen(request)) return done();
      // What anyone gets depends on who asks, so no cache may keep it, not even one that ignores the first header.
      if (request.method !== 'POST') {
        reply.header('Cache-Control', PRIVATE);
        addVary(reply, CREDENTIALS);
      }
      const { authorization, 'x-api-key': apiKey } = request.headers;
      const credentials: Credentials = {
        bearer: authorization === undefined ? undefined : BEARER.exec(authorization)?.[1]?.trim(),
        apiKey: apiKey?.toString(),
        accessTokens: tokens.get(request.raw) ?? NO_TOKENS,
      };
      try {
        const caller = authenticate(credentials);
        if (caller instanceof Promise) return keep(request, reply, caller);
        request.caller = caller;
      } catch (error) {
        return refuse(request, reply, error);
      }
      return done();
    },
    callerOf: ({ caller }) => caller ?? NOBODY,
    accessTokenOf: ({ raw }) => tokens.get(raw)?.[0],
  };
}

const ABSOLUTE = /^https?:\/\/([^/?#]*)([^#]*)/i;

/**
 * The path and query of a request's target. A client that takes the server for a proxy sends a whole URL, whose host counts instead of
 * the one in `Host` (RFC 9112, section 3.2.2).
 */
function toOriginForm(request: IncomingMessage): string {
  const { url = '/' } = request;
  if (url.startsWith('/')) return url;
  const [, host, rest] = ABSOLUTE.exec(url) ?? [];
  if (host === undefined || rest === undefined) return url;
  request.headers.host = host;
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** A URL without its access tokens, which must not be logged. */
export interface StrippedUrl {
  readonly url: string;
  readonly accessTokens: readonly string[];
}

const TOKEN_PARAMETER = 'access_token';

/** Removes each `access_token` (RFC 6750, section 2.3) from the query, and leaves the rest of the URL as it is. */
export function takeAccessTokens(url: string): StrippedUrl {
  const start = url.indexOf('?');
  if (start === -1) return { url, accessTokens: [] };
  const parameters = url.slice(start + 1).split('&');
  const others = parameters.filter((parameter) => readToken(parameter) === undefined);
  if (others.length === parameters.length) return { url, accessTokens: [] };
  return {
    url: url.slice(0, start) + (others.length > 0 ? `?${others.join('&')}` : ''),
    accessTokens: parameters.flatMap((parameter) => readToken(parameter) ?? []),
  };
}

/** The name may be percent-encoded too. */
function readToken(parameter: string): string | undefined {
  // A question mark at the beginning would be read as the start of the query.
  return new URLSearchParams(`&${parameter}`).get(TOKEN_PARAMETER) ?? undefined;
}
