import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { ANONYMOUS } from '../core/caller.ts';
import { settlesWithin } from '../core/deadline.ts';
import { ServiceError } from '../core/errors.ts';
import type { Logger, RateLimiter } from '../core/ports.ts';
import type { RequestContext } from '../core/request-context.ts';
import type { JobService } from '../core/service.ts';
import { StartError } from '../core/start-error.ts';
import { type Urls, createUrls } from '../core/urls.ts';
import { createGraphQLFace } from '../graphql/server.ts';
import { createDescription } from '../rest/description.ts';
import { MALFORMED_REPLY, createProblemHandler } from '../rest/problem.ts';
import { createRestFace } from '../rest/routes.ts';
import { addCors } from './cors.ts';
import { watchConnections } from './connections.ts';
import { addGoodbye } from './goodbye.ts';
import { type ReadinessCheck, addHealth } from './health.ts';
import { addPressureLimits } from './pressure.ts';
import { addRateLimit, rateLimitKey } from './rate-limit.ts';
import { breakOff, once, whenGone } from './when-gone.ts';

/** Room for the largest import of ordinary rows, and little more: 1.5 MiB. */
const BODY_LIMIT = 1.5 * 1024 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than a URL can be, so that an id which is too long is not found, like others that do not exist. */
const MAX_PARAM_LENGTH = 100_000;
const SLOW_READER_MS = 30_000;
/** A name, an IPv4 address or an IPv6 address in brackets, and a port (RFC 3986, section 3.2.2). */
const HOST = /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/i;
/** A trusted proxy may say another one. */
const PROTOCOLS: ReadonlySet<string> = new Set(['http', 'https']);
/** How often idle connections are closed while the last requests are answered. */
const IDLE_CHECK_MS = 100;

export interface HttpServerOptions {
  readonly service: JobService;
  readonly logger: Logger;
  /** Base of all absolute URLs; undefined: from each request. */
  readonly publicUrl: string | undefined;
  /** Origins whose pages may read replies; `*`: all. */
  readonly corsOrigins: readonly string[];
  /** Whose forwarding headers are believed: nobody's, everybody's, or those of some addresses. */
  readonly trustProxy: boolean | string[];
  readonly rest: boolean;
  readonly graphiql: boolean;
  /** Undefined: callers may send as many requests as they like. */
  readonly rateLimiter?: RateLimiter | undefined;
  /**
   * Milliseconds after which a reader that takes nothing of what it is sent is dropped.
   * @default 30_000
   */
  readonly slowReaderMs?: number;
  /** What readiness depends on, by the name that an operator reads. */
  readonly checks: Readonly<Record<string, ReadinessCheck>>;
}

/**
 * The one HTTP server, with both faces.
 * @throws StartError that names the file and the field, for a job type that a face can't express
 */
export async function createHttpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  const {
    service,
    logger,
    publicUrl,
    corsOrigins,
    trustProxy,
    rest,
    graphiql,
    rateLimiter,
    slowReaderMs = SLOW_READER_MS,
    checks,
  } = options;
  const fixedUrls = publicUrl === undefined ? undefined : createUrls(publicUrl);
  const urlsOf = (request: FastifyRequest): Urls => fixedUrls ?? createUrls(`${request.protocol}://${request.host}`);
  const contextOf = (request: FastifyRequest, reply: FastifyReply): RequestContext => ({
    requestId: request.id,
    caller: ANONYMOUS,
    urls: urlsOf(request),
    idempotencyKeyHeader: request.headers['idempotency-key']?.toString(),
    whenGone: once(() => whenGone(reply.raw)),
    breakOff: () => breakOff(reply.raw),
  });
  const replyProblem = createProblemHandler(logger, urlsOf);
  const app = Fastify({
    bodyLimit: BODY_LIMIT,
    trustProxy,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    // Requests that came before the end are answered like any other.
    return503OnClosing: false,
    genReqId: () => randomUUID(),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_PARAM_LENGTH },
    frameworkErrors: (error, request, reply) => void replyProblem(error, request, reply),
    clientErrorHandler: (_error, socket) => void (socket.writable && socket.end(MALFORMED_REPLY)),
  });

  watchConnections(app.server, slowReaderMs);
  addGoodbye(app, service.stopping);

  app.addHook('onRequest', async (request) => {
    // The host becomes part of URLs; who asks for health may not know it.
    if (!(HOST.test(request.host) && PROTOCOLS.has(request.protocol)) && !request.url.startsWith('/health/')) {
      throw new ServiceError('malformed-request', 'The host of the request is missing, or is no host.');
    }
  });

  app.addHook('onResponse', async (request, reply) => {
    // The route, not the URL: a URL may hold a customer's id.
    const { method, url: route } = request.routeOptions;
    logger.debug(
      { requestId: request.id, method, route, status: reply.raw.statusCode, durationMs: Math.round(reply.elapsedTime) },
      'request',
    );
  });
  app.setErrorHandler(replyProblem);
  app.setNotFoundHandler(async (request) => {
    throw new ServiceError('not-found', `There is nothing at ${request.method} ${request.url.split('?', 1)[0]}.`);
  });

  await addCors(app, corsOrigins);
  addHealth(app, checks);
  if (graphiql) app.get('/', async (_request, reply) => reply.redirect('graphql'));
  if (rest) await app.register(createDescription({ registry: service.registry, urlsOf }));
  // What is refused under load are the faces; health and pages are answered all the same.
  await app.register(async (faces) => {
    await addPressureLimits(faces);
    addRateLimit(faces, rateLimiter, (request) => rateLimitKey(ANONYMOUS, request.ip));
    await faces.register(createGraphQLFace({ service, logger, graphiql, bodyLimit: BODY_LIMIT, contextOf }));
    if (rest) await faces.register(createRestFace({ service, contextOf }));
  });
  return app;
}

/** What is wrong with HOST or PORT when a server can't listen, by the system's code. */
const LISTEN_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'PORT: another process listens on this port',
  EACCES: 'PORT: this port needs more rights',
  EADDRNOTAVAIL: 'HOST: this machine has no such address',
  ENOTFOUND: 'HOST: there is no such host',
};

/**
 * Listens, and resolves to the URL.
 * @throws StartError that names PORT or HOST
 */
export async function listenOn(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? LISTEN_ERRORS[String(error.code)] : undefined;
    if (reason === undefined) throw error;
    throw new StartError(`${reason}: ${host}:${port}`, { cause: error });
  }
}

/** Takes no more connections, and ends those whose requests are not answered within `graceMs` milliseconds. */
export async function closeHttpServer(app: FastifyInstance, graceMs: number): Promise<void> {
  const closed = app.close();
  // A connection that was answering when this began stays open when it is idle.
  const idle = setInterval(() => app.server.closeIdleConnections(), IDLE_CHECK_MS);
  try {
    if (await settlesWithin(closed, graceMs)) return;
    app.server.closeAllConnections();
    await closed;
  } finally {
    clearInterval(idle);
  }
}
