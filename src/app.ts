import { setTimeout as delay } from 'node:timers/promises';
import { createAuthenticate } from './auth/authenticate.ts';
import type { Config } from './config.ts';
import { settlesWithin } from './core/deadline.ts';
import { createJobKeys } from './core/access/job-token.ts';
import { createRegistry, loadJobs } from './core/registry.ts';
import type { JobWorker, Logger } from './core/ports.ts';
import { createProvider } from './core/define-job.ts';
import { createJobService } from './core/service/create-service.ts';
import { createCustomerRepository, customerRepository } from './customers/customer-repository.ts';
import { createListener } from './http/listener.ts';
import { createHttpServer } from './server.ts';
import { createBullmqEvents } from './queue/job-events.ts';
import { createBullmqQueue } from './queue/job-queue.ts';
import { startBullmqWorkers } from './queue/worker/worker.ts';
import { createSucceededJobs } from './queue/succeeded-jobs.ts';
import { connectQueue } from './queue/connect.ts';
import { isConnectionError } from './stores/connection-error.ts';
import { createConnectionLog } from './stores/connection-log.ts';
import { createEmbeddedStore } from './stores/embedded-store.ts';
import { createPostgresPool, startStep } from './stores/postgres-pool.ts';
import { createRateLimiter } from './queue/rate-limiter.ts';
import { startRetention } from './queue/retention.ts';

/** A start waits no longer for stores elsewhere: requests are answered with 503 until they come. */
const START_MS = 2000;
/** The embedded store is never away, so a start waits for it, on however slow a machine. */
const EMBEDDED_START_MS = 60_000;

/** The end of the process waits no longer for a store that is away to hear of it. */
const CLOSE_MS = 2000;

/** Milliseconds between two tries to reach the stores. */
const RECONNECT_MS = 500;

/** What runs, for the banner. */
export interface Running {
  /** Undefined in a worker of its own. */
  readonly url: string | undefined;
  readonly queue: string;
  readonly jobTypes: readonly string[];
}

export interface App {
  /**
   * Opens the stores, starts the workers and listens: what of these the role has.
   * @throws StartError with one line for people
   */
  listen(): Promise<Running>;
  /** Takes no more work, lets what runs finish or hands it back within the grace period, and closes everything. */
  close(): Promise<void>;
}

/**
 * Builds everything from the settings, and opens nothing yet.
 * @param onFatal is told when a store that came late can't be used
 * @param jobsFolder where the job types are, with a slash at the end
 * @throws StartError with one line for people
 */
export async function createApp(
  config: Config,
  logger: Logger,
  onFatal: (error: unknown) => void,
  jobsFolder: URL = new URL('./jobs/', import.meta.url),
): Promise<App> {
  const registry = createRegistry(await loadJobs(jobsFolder));
  const embedded = createEmbeddedStore(config.DATA_DIR);
  const isRemote = config.QUEUE_URL !== undefined || config.DATABASE_URL !== undefined;
  const { provide, use } = createProvider();

  const backend = connectQueue({
    url: config.QUEUE_URL,
    embedded: embedded.pool,
    listeners: 2 * registry.types.length,
    logger,
  });
  const databaseServer =
    config.DATABASE_URL === undefined
      ? undefined
      : createPostgresPool(config.DATABASE_URL, 'DATABASE_URL', { query_timeout: 10_000 });
  const customers = createCustomerRepository(databaseServer ?? embedded.pool);
  provide(customerRepository, customers);

  const types = registry.types.map((type) => type.name);
  const retentionSeconds = config.JOB_RETENTION_SECONDS;
  const succeeded = createSucceededJobs();
  const queue = createBullmqQueue({ backend, types, retentionSeconds, succeeded, logger });
  const events = createBullmqEvents({ backend, types, retentionSeconds, succeeded });
  const jobKeys = createJobKeys(queue, retentionSeconds);
  const stopping = new AbortController();
  const http =
    config.role === 'worker'
      ? undefined
      : await createHttpServer({
          service: createJobService({
            registry,
            queue,
            events,
            jobKeys,
            use,
            logger,
            maxDepth: config.QUEUE_MAX_DEPTH,
            stopping: stopping.signal,
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
          rateLimiter: config.RATE_LIMIT && createRateLimiter(backend, config.RATE_LIMIT, logger),
          checks: {
            queue: queue.ping,
            database: customers.ping,
            // It is about to go: who asks before it sends requests should send them elsewhere.
            server: async () => stopping.signal.throwIfAborted(),
          },
        });
  const listener = http && createListener(http);
  let workers: JobWorker | undefined;
  let stopRetention: (() => Promise<void>) | undefined;
  let closing: Promise<void> | undefined;

  /** Tries again as long as a store can't be reached. */
  async function connect(): Promise<void> {
    const log = createConnectionLog(logger);
    while (!stopping.signal.aborted) {
      try {
        await backend.connect();
        await startStep(databaseServer ? 'DATABASE_URL' : 'DATA_DIR', () => customers.migrate());
        if (http) await events.open();
        await queue.open();
        log.recovered();
        break;
      } catch (error) {
        if (!(error instanceof Error) || !isConnectionError(error)) throw error;
        log.failed(error);
        await delay(RECONNECT_MS);
      }
    }
    if (stopping.signal.aborted) return;
    stopRetention = startRetention({ backend, types, retentionSeconds, logger });
    if (config.role === 'api') return;
    workers = startBullmqWorkers({
      backend,
      types: registry.types,
      concurrency: config.WORKER_CONCURRENCY,
      use,
      logger,
    });
  }

  async function closeAll(): Promise<void> {
    const graceMs = config.SHUTDOWN_GRACE_SECONDS * 1000;
    const closeHttp = async (): Promise<void> => {
      if (listener === undefined) return;
      await delay(config.SHUTDOWN_DELAY_SECONDS * 1000);
      await listener.close(graceMs);
    };
    await Promise.all([closeHttp(), workers?.close(graceMs)]);
    await stopRetention?.();
    await settlesWithin(Promise.all([queue.close(), events.close()]), CLOSE_MS);
    await settlesWithin(Promise.all([backend.close(), databaseServer?.end()]), CLOSE_MS);
    await embedded.close();
  }

  return {
    async listen() {
      if (config.QUEUE_URL === undefined || config.DATABASE_URL === undefined) await embedded.open();
      const connected = connect();
      const inTime = await settlesWithin(connected, isRemote ? START_MS : EMBEDDED_START_MS);
      if (!inTime) connected.catch((error: unknown) => !stopping.signal.aborted && onFatal(error));
      const url = await listener?.listen(config.HOST, config.PORT);
      return { url, queue: backend.description, jobTypes: types };
    },
    close() {
      stopping.abort();
      closing ??= closeAll();
      return closing;
    },
  };
}
