import { createJobIds } from '../core/access/job-ids.ts';
import { settlesWithin } from '../core/deadline.ts';
import type { JobType } from '../core/define-job.ts';
import { type Metrics, NO_METRICS, type QueueMonitor } from '../core/metrics.ts';
import type { JobFiles } from '../core/files/attempt-files.ts';
import type { JobEvents, JobQueue, JobWorker, Logger } from '../core/ports.ts';
import type { Use } from '../core/register.ts';
import type { Schedules } from '../core/schedule.ts';
import type { Tracer } from '../core/tracer.ts';
import type { DeliveryStore } from '../core/webhook/delivery.ts';
import type { EmbeddedPool } from '../stores/embedded-pool.ts';
import type { QueueBackend } from './backend.ts';
import { createBullmqEvents } from './job-events.ts';
import { createDeliveryStore } from './delivery-store.ts';
import { connectEmbeddedQueue, connectPostgresQueue } from './postgres/connect.ts';
import { createRedisBackend } from './redis/backend.ts';
import { createBullmqQueue } from './job-queue.ts';
import { startIndexUpkeep } from './index-upkeep.ts';
import { measureBackend } from './measure-backend.ts';
import { startRetention } from './retention.ts';
import { createSucceededJobs } from './job-reader.ts';
import { createSchedules } from './schedules.ts';
import { startWaitingUpkeep } from './waiting-upkeep.ts';
import { startBullmqWorkers } from './worker/worker.ts';

/** The longest wait for the store to answer at shutdown, in milliseconds. */
const CLOSE_MS = 2000;
/** So far apart, in milliseconds, that a clock is wrong rather than read late. */
const CLOCKS_APART_MS = 10_000;

export interface WiredQueueOptions extends QueueLocation {
  readonly types: readonly JobType[];
  readonly retentionSeconds: number;
  /** @default counts nothing */
  readonly metrics?: Metrics | undefined;
}

/** One process's connection to the queue, with everything that it needs of it. */
export interface WiredQueue {
  readonly backend: QueueBackend;
  readonly queue: JobQueue;
  readonly events: JobEvents;
  readonly monitor: QueueMonitor;
  readonly schedules: Schedules;
  /** Of webhooks. */
  readonly deliveries: DeliveryStore;
  /**
   * Connects to the store. Call it again after the store was unavailable.
   * @throws StartError, which names the setting, when the store is available and refuses
   */
  connect(): Promise<void>;
  /** Opens the queue, and the events where they are wanted. Call it again after the store was unavailable. */
  open(options: { readonly events: boolean }): Promise<void>;
  /** Starts to look after the jobs that wait, to remove finished ones, and to keep the index of lists complete. */
  startUpkeep(): void;
  /**
   * @param options.tracer records attempts
   * @param options.onWebhook called after the end of a job with a webhook
   */
  startWorkers(options: {
    readonly concurrency: number;
    readonly use: Use;
    readonly files?: JobFiles | undefined;
    readonly tracer?: Tracer | undefined;
    readonly onWebhook?: (() => void) | undefined;
  }): JobWorker;
  /**
   * Submits the jobs of schedules from now on.
   * @param maxDepth waiting jobs of a type beyond which none is submitted
   */
  startSchedules(maxDepth: number): void;
  /** To be called when the workers are closed. */
  close(): Promise<void>;
}

/** @throws StartError, which names QUEUE_URL, when it is invalid */
export function wireQueue({
  url,
  embedded,
  types,
  retentionSeconds,
  logger,
  fair,
  metrics = NO_METRICS,
}: WiredQueueOptions): WiredQueue {
  const names = types.map(({ name }) => name);
  const backend = measureBackend(connectQueue({ url, embedded, logger, fair }), metrics);
  const succeeded = createSucceededJobs((type) => backend.clockOf(type).now());
  const queue = createBullmqQueue({ backend, types: names, retentionSeconds, succeeded, logger });
  const events = createBullmqEvents({ backend, types: names, retentionSeconds, succeeded });
  const perCaller = new Map(
    types.flatMap(({ name, concurrencyPerCaller: most }) => (most === undefined ? [] : [[name, most] as const])),
  );
  const jobIds = createJobIds(queue, retentionSeconds);
  const schedules = createSchedules({ backend, queue, jobIds, types, logger, metrics });
  let removedTypes: readonly string[] = [];
  let stopRetention: (() => Promise<void>) | undefined;
  let stopUpkeep: (() => void) | undefined;
  let stopWaitingUpkeep: (() => void) | undefined;
  return {
    backend,
    queue,
    events,
    monitor: {
      readLoads: queue.readLoads,
      countWebhooks: () => backend.deliveries.count(names),
      outage: queue.outage,
      watchers: events.size,
    },
    schedules,
    deliveries: createDeliveryStore({ backend, types: () => [...names, ...removedTypes], retentionSeconds, logger }),
    connect: () => backend.connect(),
    async open(options) {
      if (options.events) await events.open();
      const known = await backend.addTypes(names);
      removedTypes = known.filter((name) => !names.includes(name));
      await queue.open(removedTypes);
      for (const type of names.slice(0, 1)) warnOfClock(backend.clockOf(type).now(), logger);
    },
    startUpkeep() {
      logRemovedTypes(backend, removedTypes, logger).catch((error: unknown) =>
        logger.debug({ err: error }, 'could not count the jobs of removed types'),
      );
      const kept = [...names, ...removedTypes];
      stopRetention ??= startRetention({ backend, types: kept, retentionSeconds, logger });
      stopWaitingUpkeep ??= startWaitingUpkeep({ backend, types: kept, perCaller, logger });
      stopUpkeep ??= startIndexUpkeep({ backend, types: kept, logger });
    },
    startWorkers: (options) => startBullmqWorkers({ ...options, backend, url, types, logger, metrics }),
    startSchedules: schedules.start,
    async close() {
      await schedules.close();
      stopWaitingUpkeep?.();
      stopUpkeep?.();
      await stopRetention?.();
      await settlesWithin(Promise.all([queue.close(), events.close()]), CLOSE_MS);
      await settlesWithin(backend.close(), CLOSE_MS);
    },
  };
}

/** BullMQ's workers write the time of a job's end by their own clock, and the store's says when the job expires. */
function warnOfClock(storeNow: number, logger: Logger): void {
  const aheadMs = Date.now() - storeNow;
  if (Math.abs(aheadMs) < CLOCKS_APART_MS) return;
  logger.warn(
    { aheadSeconds: Math.round(aheadMs / 1000) },
    "this machine's clock differs from the store's: jobs that end here expire too early or too late",
  );
}

/** Says in one line what is left of job types whose files are gone. */
async function logRemovedTypes(backend: QueueBackend, types: readonly string[], logger: Logger): Promise<void> {
  const counts = await Promise.all(types.map(async (type) => [type, await backend.countJobs(type)] as const));
  const left = counts.filter(([, { waiting, finished }]) => waiting + finished > 0);
  if (left.length === 0) return;
  const removedTypes = Object.fromEntries(left);
  logger.warn(
    { removedTypes },
    'job types without a file have jobs: finished ones are kept until they expire, waiting ones do not run',
  );
}

export interface QueueLocation {
  /** Undefined: the embedded store. */
  readonly url: string | undefined;
  readonly embedded: EmbeddedPool;
  readonly logger: Logger;
  /**
   * Whether callers take turns.
   * @default false
   */
  readonly fair?: boolean | undefined;
}

/**
 * The backend for a QUEUE_URL.
 * @throws StartError, which names QUEUE_URL, when it is invalid
 */
export function connectQueue({ url, embedded, logger, fair = false }: QueueLocation): QueueBackend {
  if (url === undefined) return connectEmbeddedQueue(embedded, logger, fair);
  if (/^postgres(ql)?:/.test(url)) return connectPostgresQueue(url, logger, fair);
  return createRedisBackend(url, logger, fair);
}
