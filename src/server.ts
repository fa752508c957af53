import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { addConsoleApi } from './console/api.ts';
import { addConsolePages } from './console/console.ts';
import type { Authenticate } from './core/access/caller.ts';
import { ServiceError } from './core/errors.ts';
import { type Metrics, NO_METRICS } from './core/metrics.ts';
import { AUDIT, type Logger, type RateLimiter } from './core/ports.ts';
import type { RequestContext } from './core/service/request-context.ts';
import type { JobService } from './core/service/service.ts';
import { collectStartErrors } from './core/start-error.ts';
import type { Tracer } from './core/tracer.ts';
import { wantsGraphiQL } from './graphql/graphiql.ts';
import { createGraphQLApi } from './graphql/server.ts';
import { addCaller, createAuthentication } from './http/authentication.ts';
import { addCors, addPageHeaders, createOriginCheck, createSecurityHeaders } from './http/browser-headers.ts';
import { breakOff, closeConnectionsWhen, createWatchedServer, once, whenGone } from './http/connections.ts';
import { addEndpoint } from './http/endpoint.ts';
import { addFileRoutes } from './http/files.ts';
import { addressOf, createHosts, createTrust } from './http/host.ts';
import { addJsonBody } from './http/json-body.ts';
import { LIMITS, SERVER_LIMITS, addLimits, maxConnections } from './http/limits.ts';
import { addCompression } from './http/negotiation.ts';
import { addPressureLimits } from './http/pressure.ts';
import { createProblemHandler, fromFastify } from './http/problem.ts';
import { createRateLimits } from './http/rate-limit.ts';
import { addRequestLog, requestIdOf } from './http/request-log.ts';
import { addRequestTraces, traceOf } from './http/request-trace.ts';
import { type Scrape, addScrape } from './http/scrape.ts';
import { createDocumentation, createRestApi } from './rest/api.ts';
import { addRoutes } from './rest/route.ts';
import { type ReadinessCheck, healthRoutes } from './rest/routes/service.ts';

const GRAPHQL_ROUTE = '/graphql';
const SLOW_READER_MS = 30_000;

export interface HttpServerOptions {
  readonly service: JobService;
  readonly authenticate: Authenticate;
  readonly logger: Logger;
  /** Undefined: requests are not recorded. */
  readonly tracer?: Tracer | undefined;
  /** Base of all absolute URLs; undefined: from each request. */
  readonly publicUrl: string | undefined;
  /** Precedes the paths of all URLs where there is no `publicUrl`. */
  readonly basePath?: string | undefined;
  /** The name or address to listen on. */
  readonly host: string;
  /** Origins whose pages may read replies; `*`: all. */
  readonly corsOrigins: readonly string[];
  /** Proxies whose forwarding headers count: none, all, or those with these addresses. */
  readonly trustProxy: boolean | string[];
  readonly rest: boolean;
  readonly graphiql: boolean;
  readonly console: boolean;
  /** Whether GraphQL clients may introspect the schema. */
  readonly introspection: boolean;
  /** Undefined: requests are not limited. */
  readonly rateLimiter?: RateLimiter | undefined;
  /**
   * Milliseconds after which a connection is closed whose client reads nothing.
   * @default 30_000
   */
  readonly slowReaderMs?: number;
  /**
   * Mean delay of the event loop, in milliseconds, from which requests are refused.
   * @default 400
   */
  readonly maxDelayMs?: number | undefined;
  /**
   * Which share of the requests has a line in the log, from 0 to 1.
   * @default 0
   */
  readonly logRequests?: number | undefined;
  /** @default counts nothing */
  readonly metrics?: Metrics | undefined;
  /** What `GET /metrics` sends; undefined: there is no such route. */
  readonly scrape?: Scrape | undefined;
  /**
   * Whether the start is over.
   * @default always
   */
  readonly isStarted?: (() => boolean) | undefined;
  /** The dependencies of readiness, by the names that operators read. */
  readonly checks: Readonly<Record<string, ReadinessCheck>>;
}

/**
 * The one HTTP server, with both APIs.
 * @throws StartError with a line for each field of a job type that an API can't express, which names the file
 */
export async function createHttpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  const { service, logger, publicUrl, rest, graphiql, introspection } = options;
  const trust = createTrust(options.trustProxy);
  const { urlsOf, check: checkHost } = createHosts({
    publicUrl,
    basePath: options.basePath,
    host: options.host,
    trust,
  });
  const { rateLimiter } = options;
  const rateLimits = rateLimiter && createRateLimits(rateLimiter, service.ownerOf);
  const { rewriteUrl, onRequest, callerOf, accessTokenOf } = createAuthentication({
    authenticate: options.authenticate,
    isPage: (request) => graphiql && request.routeOptions.url === GRAPHQL_ROUTE && wantsGraphiQL(request),
    async onRefused(request, reply, { problem }) {
      logger.info({ action: problem, address: addressOf(request), requestId: request.id }, AUDIT);
      await rateLimits?.count(request, reply);
    },
  });
  const setSecurityHeaders = createSecurityHeaders(publicUrl);
  const setHeaders = (request: FastifyRequest, reply: FastifyReply): void => {
    setSecurityHeaders(request, reply);
    reply.header('X-Request-Id', request.id);
  };
  const checkOrigin = createOriginCheck(options.corsOrigins);
  const replyProblem = createProblemHandler(logger, urlsOf);
  const contextOf = (request: FastifyRequest, reply: FastifyReply): RequestContext => ({
    requestId: request.id,
    facts: request,
    trace: traceOf(request),
    span: request.span,
    caller: callerOf(request),
    urls: urlsOf(request),
    accessToken: accessTokenOf(request),
    idempotencyKeyHeader: request.headers['idempotency-key']?.toString(),
    whenGone: once(() => whenGone(reply.raw)),
    breakOff: () => breakOff(reply.raw),
    countMore: rateLimits && (() => rateLimits.count(request, reply)),
  });

  const app = Fastify({
    ...LIMITS,
    serverFactory: (handle) =>
      createWatchedServer(SERVER_LIMITS, handle, {
        slowReaderMs: options.slowReaderMs ?? SLOW_READER_MS,
        maxConnections: maxConnections(),
      }),
    trustProxy: options.trustProxy !== false && trust,
    forceCloseConnections: 'idle',
    // Requests that arrive during the shutdown are still answered.
    return503OnClosing: false,
    genReqId: requestIdOf,
    rewriteUrl,
    // Hooks do not run before these.
    frameworkErrors(error, request, reply) {
      setHeaders(request, reply);
      reply.raw.once('close', () => endRequest(request, reply));
      void replyProblem(error, request, reply);
    },
  });

  // Connections.
  closeConnectionsWhen(app, service.stopping);

  // Each request, in this order.
  const { metrics = NO_METRICS, logRequests: share = 0, tracer } = options;
  addRequestTraces(app, tracer);
  const endRequest = addRequestLog(app, { logger, metrics, share });
  addCaller(app);
  addPageHeaders(app);
  app.addHook('onRequest', (request, reply, done) => {
    setHeaders(request, reply);
    // Health checks may use any name.
    if (!request.url.startsWith('/health/')) checkHost(request);
    checkOrigin(request);
    done();
  });
  addLimits(app);
  addJsonBody(app);
  await addCors(app, options.corsOrigins);
  // After CORS, so that pages of other origins can read why they are refused.
  app.addHook('onRequest', onRequest);
  await addCompression(app);

  // Errors.
  app.setErrorHandler(replyProblem);
  app.setNotFoundHandler(async ({ method, url }) => {
    // RFC 9110, section 15.6.2.
    if (!app.supportedMethods.includes(method))
      throw new ServiceError('not-implemented', `This server does not implement ${method}.`);
    throw new ServiceError('not-found', `No route matches ${method} ${url.split('?', 1)[0]}.`);
  });

  // Routes.
  addRoutes(app, healthRoutes, { checks: options.checks, isStarted: options.isStarted ?? (() => true) });
  if (options.scrape) addScrape(app, options.scrape);
  if (graphiql) app.get('/', async (_request, reply) => reply.redirect('graphql'));
  // The problems of all job types with both APIs at once.
  const [graphql, documentation] = collectStartErrors(
    () =>
      createGraphQLApi({
        service,
        logger,
        graphiql,
        introspection,
        isLimited: rateLimits !== undefined,
        contextOf,
        fromFastify,
      }),
    () => (rest ? createDocumentation({ registry: service.registry, urlsOf }) : undefined),
  );
  if (documentation !== undefined) {
    await app.register(async (pages) => {
      rateLimits?.add(pages);
      await pages.register(documentation);
    });
  }
  if (options.console) {
    await app.register(async (pages) => {
      rateLimits?.add(pages);
      await addConsolePages(pages, service.files?.store.direct?.origin);
    });
  }
  const { files } = service;
  if (files !== undefined && files.store.direct === undefined) {
    await app.register(async (scope) => {
      rateLimits?.add(scope);
      await addFileRoutes(scope, { files, accessTokenOf });
    });
  }
  // Only the APIs are refused under load; health and pages are not.
  await app.register(async (apis) => {
    addPressureLimits(apis, options);
    rateLimits?.add(apis);
    await apis.register(async (scope) => {
      scope.setErrorHandler(graphql.replyError);
      addEndpoint(scope, GRAPHQL_ROUTE, { GET: graphql.handle, POST: graphql.handle });
    });
    if (rest) await apis.register(createRestApi({ service, contextOf }));
    if (options.console) addConsoleApi(apis, { service, contextOf, graphiql, docs: rest });
  });
  return app;
}
