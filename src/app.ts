/** The composition root: builds everything from the settings. */
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { ApiOptions } from './api.ts';
import type { Config } from './config.ts';
import { withBulkPorts } from './core/bulk/bulk-action.ts';
import { DeadlineError, settlesWithin, shareFor, withDeadline } from './core/deadline.ts';
import { NO_METRICS } from './core/metrics.ts';
import type { JobWorker, Logger } from './core/ports.ts';
import { createJobFiles } from './core/files/attempt-files.ts';
import { FileStoreError } from './core/files/file-store.ts';
import { createFiles } from './core/files/files.ts';
import { startFileSweeps } from './core/files/sweep.ts';
import { createRegistry, hasFiles } from './core/registry.ts';
import { StartError } from './core/start-error.ts';
import { createWebhookSecrets } from './core/webhook/secrets.ts';
import { mayHaveFiles, openFileStore } from './files/open-file-store.ts';
import { createListener } from './http/listener.ts';
import { type ProcessMetrics, createMetrics } from './observability/metrics.ts';
import { type Traces, openTraces } from './observability/traces.ts';
import { checkCron } from './queue/cron.ts';
import { wireQueue } from './queue/wire-queue.ts';
import type { Project } from './project.ts';
import { createProjectProviders, openDatabaseOf } from './project-providers.ts';
import { type ServiceServer, type ServiceServerOptions, createServiceServer } from './service-server.ts';
import { isConnectionError } from './stores/connection-error.ts';
import { createConnectionLog } from './stores/connection-log.ts';
import { type EmbeddedStore, createEmbeddedStore } from './stores/embedded-store.ts';
import { createDispatcher } from './webhooks/dispatcher.ts';
import { createGuard } from './webhooks/guard.ts';

/** The longest wait for remote stores at start-up. After it the server listens, and answers 503 until they are available. */
const START_MS = 2000;
/** The longest wait for a store of files by `accepted check`: for three requests of S3. */
const REACH_FILES_MS = 35_000;
/** The embedded store is always available, so the start waits for it even on a slow machine. */
const EMBEDDED_START_MS = 60_000;
/** Milliseconds between two attempts to reach the stores. */
const RECONNECT_MS = 500;

/** Milliseconds for which an answer about a store's readiness is kept: anyone may ask, as often as they like. */
const READY_MS = 1000;

/** What the banner shows. */
export interface Running {
  /** Undefined in the worker role. */
  readonly url: string | undefined;
  /** Where metrics and health checks are, if that is a port of their own. */
  readonly metricsUrl: string | undefined;
  readonly queue: string;
  readonly jobTypes: readonly string[];
}

export interface App {
  /** The server of both APIs; undefined in the worker role. */
  readonly http: FastifyInstance | undefined;
  /**
   * Opens the stores and what jobs need, and starts the workers where the role includes them.
   * @throws StartError with a line for each problem
   */
  start(): Promise<void>;
  /**
   * Starts, and listens where the role includes the API.
   * @param port by default the setting PORT
   */
  listen(port?: number): Promise<Running>;
  /**
   * Opens the stores and what jobs need once, and starts nothing.
   * @throws StartError, also for what cannot be reached
   */
  reach(): Promise<void>;
  /** Stops taking work, lets running work finish within the grace period or returns it to the queue, and closes everything. */
  close(): Promise<void>;
}

export interface AppOptions extends Pick<ApiOptions, 'basePath' | 'maxDelayMs' | 'countMs'> {
  /** An embedded store that several apps of a process use one after the other: its owner closes it. */
  readonly embedded?: EmbeddedStore;
  /** Called when a store that becomes available after the start turns out to be unusable. */
  onFatal(error: unknown): void;
}

/**
 * Builds the application, and opens nothing yet but what records traces.
 * @throws StartError with a line for each problem
 */
export async function createApp(config: Config, project: Project, logger: Logger, options: AppOptions): Promise<App> {
  const traces = await openTraces(config.traces, logger);
  try {
    return await buildApp(config, project, logger, options, traces);
  } catch (error) {
    await traces.close();
    throw error;
  }
}

async function buildApp(
  config: Config,
  project: Project,
  logger: Logger,
  options: AppOptions,
  traces: Traces,
): Promise<App> {
  const { tracer } = traces;
  const stopping = new AbortController();
  const registry = createRegistry(project.jobs, checkCron);
  const embedded = options.embedded ?? createEmbeddedStore(config.DATA_DIR);
  const metrics = config.METRICS_PORT === 'off' ? undefined : createMetrics(registry.types.map(({ name }) => name));
  // Before the database, whose URL may be a copy of QUEUE_URL: an invalid one is reported under the name that was set.
  const queue = wireQueue({
    url: config.QUEUE_URL,
    embedded: embedded.pool,
    types: [...registry.types, ...registry.builtIn],
    retentionSeconds: config.JOB_RETENTION_SECONDS,
    logger,
    metrics,
    // Without authentication there is one caller.
    fair: config.auth.kind === 'closed',
  });
  metrics?.monitor(queue.monitor);
  const database = openDatabaseOf(config, embedded);
  // Files may be left from before the last type with some was removed.
  const fileStore = hasFiles(registry) || mayHaveFiles(config) ? openFileStore(config) : undefined;
  const ofFiles = hasFiles(registry) ? fileStore : undefined;
  const providers = createProjectProviders(config, project, logger, database);
  const { use } = providers;
  const secrets = createWebhookSecrets(queue.queue, queue.deliveries);
  const guard = createGuard({ allow: config.WEBHOOK_ALLOW, publicUrl: config.PUBLIC_URL });
  const dispatcher = createDispatcher({
    store: queue.deliveries,
    secrets,
    guard,
    typeOf: registry.get,
    logger,
    metrics: metrics ?? NO_METRICS,
  });
  let workers: JobWorker | undefined;
  let isStarted = false;
  const checks: Checks = {
    // What jobs need is not asked for: they wait for it, and are accepted meanwhile.
    queue: shareFor(READY_MS, queue.queue.ping),
    // Not ready while shutting down, so that load balancers send requests elsewhere.
    server: async () => stopping.signal.throwIfAborted(),
  };
  const health: Health = {
    checks: config.role === 'worker' ? { ...checks, workers: async () => requireStarted(workers) } : checks,
    isStarted: () => isStarted,
  };
  // Loading what a worker does not need would take half of its start.
  const api = config.role === 'worker' ? undefined : await import('./api.ts');
  const http =
    api === undefined
      ? undefined
      : await api.createApi({
          ...options,
          config,
          registry,
          queue,
          webhooks: { deliveries: queue.deliveries, secrets, whyRefused: guard.whyRefused },
          use,
          files:
            ofFiles &&
            createFiles({
              store: ofFiles,
              queue: queue.queue,
              maxUploadBytes: config.UPLOAD_MAX_BYTES,
              maxCallerBytes: config.CALLER_MAX_UPLOAD_BYTES,
            }),
          logger,
          metrics,
          tracer,
          health,
          stopping: stopping.signal,
        });
  const service = metrics && createOwnServer(config, metrics, health, logger);
  const listener = http && createListener(http);
  let starting: Promise<void> | undefined;
  let closing: Promise<void> | undefined;
  let stopSweeps: (() => Promise<void>) | undefined;

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

  async function connectQueue(): Promise<void> {
    await untilConnected(async () => {
      await queue.connect();
      await queue.open({ events: listener !== undefined });
    });
    if (stopping.signal.aborted) return;
    queue.startUpkeep();
    if (fileStore !== undefined) {
      const retentionSeconds = config.JOB_RETENTION_SECONDS;
      stopSweeps ??= startFileSweeps({ store: fileStore, queue: queue.queue, retentionSeconds, logger });
    }
  }

  /** Opens the queue and what jobs need, and starts what depends on each. */
  async function connect(): Promise<void> {
    await Promise.all([connectQueue(), untilConnected(providers.open)]);
    if (config.role !== 'api' && !stopping.signal.aborted) {
      workers = queue.startWorkers({
        concurrency: config.WORKER_CONCURRENCY,
        use: withBulkPorts(use, {
          queue: queue.queue,
          types: registry.types.map(({ name }) => name),
          attemptsOf: (name) => registry.get(name)?.attempts ?? 1,
        }),
        files: ofFiles && createJobFiles(ofFiles, queue.queue, config.ARTIFACT_MAX_BYTES),
        tracer,
        onWebhook: dispatcher.nudge,
      });
      dispatcher.start();
      queue.startSchedules(config.QUEUE_MAX_DEPTH);
    }
  }

  /** @throws StartError; what cannot be reached is tried again with each file */
  async function checkFiles(): Promise<void> {
    if (fileStore === undefined) return;
    try {
      await withDeadline(fileStore.check(), START_MS);
    } catch (error) {
      if (error instanceof StartError) throw error;
      logger.warn({ err: error }, 'files cannot be reached; jobs and uploads that need them wait or are refused');
    }
    if (ofFiles !== undefined && config.role !== 'all' && !config.ARTIFACTS_URL?.startsWith('s3:'))
      logger.warn(
        {},
        'files are in a folder, which API and worker processes have to share; ARTIFACTS_URL may name a bucket',
      );
  }

  async function start(): Promise<void> {
    await checkFiles();
    if (config.QUEUE_URL === undefined) await embedded.open();
    const isRemote = config.QUEUE_URL !== undefined || config.DATABASE_URL !== undefined;
    const connected = connect();
    const inTime = await settlesWithin(connected, isRemote ? START_MS : EMBEDDED_START_MS);
    if (!inTime) connected.catch((error: unknown) => !stopping.signal.aborted && options.onFatal(error));
    await http?.ready();
    isStarted = true;
  }

  async function closeAll(): Promise<void> {
    const graceMs = config.SHUTDOWN_GRACE_SECONDS * 1000;
    const closeHttp = async (): Promise<void> => {
      if (listener === undefined) return;
      await delay(config.SHUTDOWN_DELAY_SECONDS * 1000);
      await listener.close(graceMs);
    };
    await Promise.all([closeHttp(), workers?.close(graceMs)]);
    await dispatcher.close();
    await providers.close();
    await stopSweeps?.();
    await Promise.all([queue.close(), database.close(), traces.close()]);
    if (options.embedded === undefined) await embedded.close();
    await service?.close();
    metrics?.close();
  }

  const app: App = {
    http,
    start: () => (starting ??= start()),
    async listen(port = config.PORT) {
      const metricsUrl = await service?.listen();
      await app.start();
      const url = await listener?.listen(config.HOST, port);
      return { url, metricsUrl, queue: queue.backend.description, jobTypes: registry.types.map(({ name }) => name) };
    },
    async reach() {
      if (config.QUEUE_URL === undefined) await embedded.open();
      const deadlineMs = config.QUEUE_URL === undefined ? EMBEDDED_START_MS : START_MS;
      await reached('QUEUE_URL', queue.connect(), deadlineMs);
      await reached('a provider', providers.open(), EMBEDDED_START_MS);
      if (fileStore !== undefined) await reached('ARTIFACTS_URL', fileStore.check(), REACH_FILES_MS);
    },
    close() {
      stopping.abort();
      closing ??= closeAll();
      return closing;
    },
  };
  return app;
}

/** @throws StartError, which names what is opened, where it cannot be reached */
async function reached(name: string, opened: Promise<void>, deadlineMs: number): Promise<void> {
  try {
    await withDeadline(opened, deadlineMs);
  } catch (error) {
    const isAway = error instanceof DeadlineError || error instanceof FileStoreError || isConnectionError(error);
    throw isAway && error instanceof Error ? new StartError(`${name}: cannot be reached: ${error.message}`) : error;
  }
}

type Health = ServiceServerOptions['health'];
type Checks = Health['checks'];

function requireStarted(workers: JobWorker | undefined): void {
  if (workers === undefined) throw new Error('the workers have not started yet');
}

/** Undefined where metrics are on the API's port. */
function createOwnServer(
  { role, METRICS_PORT, HOST: host }: Config,
  scrape: ProcessMetrics,
  health: Health,
  logger: Logger,
): ServiceServer | undefined {
  const port = METRICS_PORT === 'off' ? undefined : METRICS_PORT;
  if (role !== 'worker' && port === undefined) return undefined;
  return createServiceServer({ health, scrape, host, port, logger });
}
