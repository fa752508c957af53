/** Builds the service and the server of both APIs from the settings. */
import type { FastifyInstance } from 'fastify';
import { createAuthenticate } from './auth/authenticate.ts';
import type { Config } from './config.ts';
import { createJobIds } from './core/access/job-ids.ts';
import { createJobKeys } from './core/access/job-token.ts';
import type { Files } from './core/files/files.ts';
import type { Logger } from './core/ports.ts';
import { NotOpenError } from './core/providers.ts';
import type { Use } from './core/register.ts';
import type { Registry } from './core/registry.ts';
import { createJobService } from './core/service/create-service.ts';
import type { Webhooks } from './core/webhook/webhook-service.ts';
import type { ProcessMetrics } from './observability/metrics.ts';
import type { Traces } from './observability/traces.ts';
import { createRateLimiter } from './queue/rate-limiter.ts';
import type { WiredQueue } from './queue/wire-queue.ts';
import { createHttpServer } from './server.ts';
import type { ServiceServerOptions } from './service-server.ts';
import { isConnectionError } from './stores/connection-error.ts';

export interface ApiOptions {
  /** The path under which another server passes requests on: it precedes the paths of all URLs. */
  readonly basePath?: string | undefined;
  /**
   * Mean delay of the event loop, in milliseconds, from which requests are refused.
   * @default 400
   */
  readonly maxDelayMs?: number;
  /**
   * Milliseconds that a request waits for the store to count it, where RATE_LIMIT is set.
   * @default 250
   */
  readonly countMs?: number;
  readonly config: Config;
  readonly registry: Registry;
  readonly queue: WiredQueue;
  readonly webhooks: Webhooks;
  readonly use: Use;
  /** Undefined where no job type has any. */
  readonly files: Files | undefined;
  readonly logger: Logger;
  readonly metrics: ProcessMetrics | undefined;
  readonly health: ServiceServerOptions['health'];
  readonly tracer: Traces['tracer'];
  readonly stopping: AbortSignal;
}

/** The server of both APIs. */
export async function createApi(options: ApiOptions): Promise<FastifyInstance> {
  const { config, registry, use, files, logger, metrics, tracer, health, stopping } = options;
  const { backend, queue, events, schedules } = options.queue;
  const jobKeys = createJobKeys(queue, config.JOB_RETENTION_SECONDS);
  const maxDepth = config.QUEUE_MAX_DEPTH;
  return createHttpServer({
    service: createJobService({
      registry,
      queue,
      events,
      jobIds: createJobIds(queue, config.JOB_RETENTION_SECONDS),
      jobKeys,
      schedules,
      webhooks: options.webhooks,
      use,
      files,
      logger,
      metrics,
      tracer,
      maxDepth,
      maxCallerDepth: config.CALLER_MAX_DEPTH,
      stopping,
      isConnectionError: (error) => isConnectionError(error) || error instanceof NotOpenError,
    }),
    authenticate: createAuthenticate(config.auth, jobKeys, logger),
    logger,
    tracer,
    publicUrl: config.PUBLIC_URL,
    basePath: options.basePath,
    host: config.HOST,
    corsOrigins: config.CORS_ORIGINS,
    trustProxy: config.TRUST_PROXY,
    rest: config.REST,
    graphiql: config.GRAPHIQL,
    console: config.CONSOLE,
    introspection: config.GRAPHQL_INTROSPECTION,
    rateLimiter: config.RATE_LIMIT && createRateLimiter(backend, config.RATE_LIMIT, logger, options.countMs),
    maxDelayMs: options.maxDelayMs,
    logRequests: config.LOG_REQUESTS,
    metrics,
    scrape: config.METRICS_PORT === undefined ? metrics : undefined,
    ...health,
  });
}
