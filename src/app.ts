/** The composition root: builds everything from the settings. */
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { createAuthenticate } from './auth/authenticate.ts';
import type { Config } from './config.ts';
import { createJobKeys } from './core/access/job-token.ts';
import { settlesWithin, shareFor } from './core/deadline.ts';
import { type Use, createProvider } from './core/define-job.ts';
import type { JobWorker, Logger } from './core/ports.ts';
import { type Registry, createRegistry, loadJobs } from './core/registry.ts';
import { createJobService } from './core/service/create-service.ts';
import { createCustomerRepository, customerRepository } from './customers/customer-repository.ts';
import { createListener } from './http/listener.ts';
import { createRateLimiter } from './queue/rate-limiter.ts';
import { type WiredQueue, wireQueue } from './queue/wire-queue.ts';
import { createHttpServer } from './server.ts';
import { isConnectionError } from './stores/connection-error.ts';
import { createConnectionLog } from './stores/connection-log.ts';
import { createEmbeddedStore } from './stores/embedded-store.ts';
import { createPostgresPool, startStep } from './stores/postgres-pool.ts';

/** The longest wait for remote stores at start-up. After it the server listens, and answers 503 until they are available. */
const START_MS = 2000;
/** The embedded store is always available, so the start waits for it even on a slow machine. */
const EMBEDDED_START_MS = 60_000;
/** The longest wait for a store to close its connections at shutdown. */
const CLOSE_MS = 2000;
/** Milliseconds between two attempts to reach the stores. */
const RECONNECT_MS = 500;

/** Milliseconds for which an answer about a store's readiness is kept: anyone may ask, as often as they like. */
const READY_MS = 1000;
/** The most connections of a process to DATABASE_URL. */
const DATABASE_CONNECTIONS = 4;

/** What the banner shows. */
export interface Running {
  /** Undefined in the worker role. */
  readonly url: string | undefined;
  readonly queue: string;
  readonly jobTypes: readonly string[];
}

export interface App {
  /**
   * Opens the stores, starts the workers and listens, as far as the role includes these.
   * @throws StartError with a one-line message
   */
  listen(): Promise<Running>;
  /** Stops taking work, lets running work finish within the grace period or returns it to the queue, and closes everything. */
  close(): Promise<void>;
}

export interface AppOptions {
  /** Called when a store that becomes available after the start turns out to be unusable. */
  onFatal(error: unknown): void;
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
}

/**
 * Builds the application, and opens nothing yet.
 * @throws StartError with a one-line message
 */
export async function createApp(config: Config, logger: Logger, options: AppOptions): Promise<App> {
  const stopping = new AbortController();
  const jobFiles = await loadJobs(config.JOBS_DIR ?? new URL('./jobs/', import.meta.url), (error, file) =>
    logger.error({ thrown: error, file }, 'job file left an error uncaught'),
  );
  const registry = createRegistry(jobFiles);
  const embedded = createEmbeddedStore(config.DATA_DIR);
  // Before the database, whose URL may be a copy of QUEUE_URL: an invalid one is reported under the name that was set.
  const queue = wireQueue({
    url: config.QUEUE_URL,
    embedded: embedded.pool,
    types: registry.types,
    retentionSeconds: config.JOB_RETENTION_SECONDS,
    logger,
  });
  const database =
    config.DATABASE_URL === undefined
      ? undefined
      : createPostgresPool(config.DATABASE_URL, 'DATABASE_URL', { max: DATABASE_CONNECTIONS, query_timeout: 10_000 });
  const customers = createCustomerRepository(database ?? embedded.pool);
  const { provide, use } = createProvider();
  provide(customerRepository, customers);
  const listener =
    config.role === 'worker'
      ? undefined
      : createListener(
          await createApi({
            ...options,
            config,
            registry,
            queue,
            use,
            logger,
            stopping: stopping.signal,
          }),
        );
  let workers: JobWorker | undefined;
  let closing: Promise<void> | undefined;

  /** Repeats a step for as long as its store is unavailable. */
  async function untilConnected(step: () => Promise<void>): Promise<void> {
    const log = createConnectionLog(logger);
    while (!stopping.signal.aborted) {
      try {
        await step();
        log.recovered();
        return;
      } catch (error) {
        if (!(error instanceof Error) || !isConnectionError(error)) throw error;
        log.failed(error);
        await delay(RECONNECT_MS);
      }
    }
  }

  /** Opens the stores, and starts what depends on each. */
  async function connect(): Promise<void> {
    await untilConnected(async () => {
      await queue.connect();
      await queue.open({ events: listener !== undefined });
    });
    if (stopping.signal.aborted) return;
    queue.startRetention();
    await untilConnected(() => startStep(database ? 'DATABASE_URL' : 'DATA_DIR', () => customers.migrate()));
    if (stopping.signal.aborted) return;
    if (config.role !== 'api') workers = queue.startWorkers({ concurrency: config.WORKER_CONCURRENCY, use });
  }

  async function closeAll(): Promise<void> {
    const graceMs = config.SHUTDOWN_GRACE_SECONDS * 1000;
    const closeHttp = async (): Promise<void> => {
      if (listener === undefined) return;
      await delay(config.SHUTDOWN_DELAY_SECONDS * 1000);
      await listener.close(graceMs);
    };
    await Promise.all([closeHttp(), workers?.close(graceMs)]);
    await Promise.all([queue.close(), database && settlesWithin(database.end(), CLOSE_MS)]);
    await embedded.close();
  }

  return {
    async listen() {
      const { QUEUE_URL, DATABASE_URL, HOST, PORT } = config;
      if (QUEUE_URL === undefined || DATABASE_URL === undefined) await embedded.open();
      const isRemote = QUEUE_URL !== undefined || DATABASE_URL !== undefined;
      const connected = connect();
      const inTime = await settlesWithin(connected, isRemote ? START_MS : EMBEDDED_START_MS);
      if (!inTime) connected.catch((error: unknown) => !stopping.signal.aborted && options.onFatal(error));
      const url = await listener?.listen(HOST, PORT);
      return { url, queue: queue.backend.description, jobTypes: registry.types.map(({ name }) => name) };
    },
    close() {
      stopping.abort();
      closing ??= closeAll();
      return closing;
    },
  };
}

interface ApiOptions extends AppOptions {
  readonly config: Config;
  readonly registry: Registry;
  readonly queue: WiredQueue;
  readonly use: Use;
  readonly logger: Logger;
  readonly stopping: AbortSignal;
}

async function createApi(options: ApiOptions): Promise<FastifyInstance> {
  const { config, registry, use, logger, stopping } = options;
  const { backend, queue, events } = options.queue;
  const jobKeys = createJobKeys(queue, config.JOB_RETENTION_SECONDS);
  const maxDepth = config.QUEUE_MAX_DEPTH;
  return createHttpServer({
    service: createJobService({
      registry,
      queue,
      events,
      jobKeys,
      use,
      logger,
      maxDepth,
      maxCallerDepth: config.CALLER_MAX_DEPTH,
      stopping,
      isConnectionError,
    }),
    authenticate: createAuthenticate(config.auth, jobKeys, logger),
    logger,
    publicUrl: config.PUBLIC_URL,
    host: config.HOST,
    corsOrigins: config.CORS_ORIGINS,
    trustProxy: config.TRUST_PROXY,
    rest: config.REST,
    graphiql: config.GRAPHIQL,
    introspection: config.GRAPHQL_INTROSPECTION,
    rateLimiter: config.RATE_LIMIT && createRateLimiter(backend, config.RATE_LIMIT, logger, options.countMs),
    maxDelayMs: options.maxDelayMs,
    checks: {
      // What jobs need is not asked for: they wait for it, and are accepted meanwhile.
      queue: shareFor(READY_MS, queue.ping),
      // Not ready while shutting down, so that load balancers send requests elsewhere.
      server: async () => stopping.throwIfAborted(),
    },
  });
}
