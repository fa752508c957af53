import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Authenticate } from './core/access/caller.ts';
import { ServiceError } from './core/errors.ts';
import type { Logger, RateLimiter } from './core/ports.ts';
import type { RequestContext } from './core/service/request-context.ts';
import type { JobService } from './core/service/service.ts';
import { wantsGraphiQL } from './graphql/graphiql.ts';
import { createGraphQLApi } from './graphql/server.ts';
import { addEndpoint } from './http/endpoint.ts';
import { createProblemHandler, fromFastify } from './http/problem.ts';
import { addRoutes } from './rest/route.ts';
import { type ReadinessCheck, healthRoutes } from './rest/routes/service.ts';
import { createDocumentation, createRestApi } from './rest/api.ts';
import { addCaller, createAuthentication } from './http/authentication.ts';
import { addCors } from './http/cors.ts';
import { watchConnections } from './http/connections.ts';
import { addGoodbye } from './http/goodbye.ts';
import { createHosts, createTrust } from './http/host.ts';
import { addJsonBody } from './http/json-body.ts';
import { LIMITS, addLimits } from './http/limits.ts';
import { addPressureLimits } from './http/pressure.ts';
import { addPageHeaders, createSecurityHeaders } from './http/security-headers.ts';
import { addRequestLog } from './http/request-log.ts';
import { addRateLimit, rateLimitKey } from './http/rate-limit.ts';
import { breakOff, once, whenGone } from './http/when-gone.ts';

const GRAPHQL_ROUTE = '/graphql';
const SLOW_READER_MS = 30_000;

export interface HttpServerOptions {
  readonly service: JobService;
  readonly authenticate: Authenticate;
  readonly logger: Logger;
  /** Base of all absolute URLs; undefined: from each request. */
  readonly publicUrl: string | undefined;
  /** The name or address that it will listen on. */
  readonly host: string;
  /** Origins whose pages may read replies; `*`: all. */
  readonly corsOrigins: readonly string[];
  /** Whose forwarding headers are believed: nobody's, everybody's, or those of some addresses. */
  readonly trustProxy: boolean | string[];
  readonly rest: boolean;
  readonly graphiql: boolean;
  /** Whether GraphQL's clients may ask for the schema. */
  readonly introspection: boolean;
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
    authenticate,
    logger,
    publicUrl,
    host,
    corsOrigins,
    trustProxy,
    rest,
    graphiql,
    introspection,
    rateLimiter,
    slowReaderMs = SLOW_READER_MS,
    checks,
  } = options;
  const { rewriteUrl, onRequest, callerOf, accessTokenOf } = createAuthentication({
    authenticate,
    isPage: (request) => graphiql && request.routeOptions.url === GRAPHQL_ROUTE && wantsGraphiQL(request),
  });
  const trust = createTrust(trustProxy);
  const { urlsOf, check: checkHost } = createHosts({ publicUrl, host, trust });
  const contextOf = (request: FastifyRequest, reply: FastifyReply): RequestContext => ({
    requestId: request.id,
    caller: callerOf(request),
    urls: urlsOf(request),
    accessToken: accessTokenOf(request),
    idempotencyKeyHeader: request.headers['idempotency-key']?.toString(),
    whenGone: once(() => whenGone(reply.raw)),
    breakOff: () => breakOff(reply.raw),
  });
  const setSecurityHeaders = createSecurityHeaders(publicUrl);
  const replyProblem = createProblemHandler(logger, urlsOf);
  const app = Fastify({
    ...LIMITS,
    trustProxy: trustProxy !== false && trust,
    forceCloseConnections: 'idle',
    // Requests that came before the end are answered like any other.
    return503OnClosing: false,
    genReqId: () => randomUUID(),
    rewriteUrl,
    // Hooks do not run before these.
    frameworkErrors(error, request, reply) {
      setSecurityHeaders(request, reply);
      void replyProblem(error, request, reply);
    },
  });

  addCaller(app);
  watchConnections(app.server, slowReaderMs);
  addGoodbye(app, service.stopping);
  addPageHeaders(app);

  app.addHook('onRequest', (request, reply, done) => {
    setSecurityHeaders(request, reply);
    // Who asks for health may not know the name.
    if (!request.url.startsWith('/health/')) checkHost(request);
    done();
  });

  addLimits(app);
  addJsonBody(app);

  if (logger.isLevelEnabled('debug')) addRequestLog(app, logger);
  app.setErrorHandler(replyProblem);
  app.setNotFoundHandler(async (request) => {
    // RFC 9110, section 15.6.2.
    if (!app.supportedMethods.includes(request.method))
      throw new ServiceError('not-implemented', `Nothing here has the method ${request.method}.`);
    throw new ServiceError('not-found', `There is nothing at ${request.method} ${request.url.split('?', 1)[0]}.`);
  });

  await addCors(app, corsOrigins);
  // Behind CORS, so that pages of other origins can read why they are refused.
  app.addHook('onRequest', onRequest);
  addRoutes(app, healthRoutes, { checks });
  if (graphiql) app.get('/', async (_request, reply) => reply.redirect('graphql'));
  const graphql = createGraphQLApi({ service, logger, graphiql, introspection, contextOf, fromFastify });
  if (rest) await app.register(createDocumentation({ registry: service.registry, urlsOf }));
  // What is refused under load are the faces; health and pages are answered all the same.
  await app.register(async (faces) => {
    await addPressureLimits(faces);
    addRateLimit(faces, rateLimiter, (request) => rateLimitKey(callerOf(request), request.ip));
    await faces.register(async (scope) => {
      scope.setErrorHandler(graphql.replyError);
      addEndpoint(scope, GRAPHQL_ROUTE, { GET: graphql.handle, POST: graphql.handle });
    });
    if (rest) await faces.register(createRestApi({ service, contextOf }));
  });
  return app;
}
