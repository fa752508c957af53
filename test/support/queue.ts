import { Queue, createPostgresBackend } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { z } from 'zod';
import { postgresOptions, prefix, queueName } from '../../src/bullmq.ts';
import { ANONYMOUS, type Caller } from '../../src/core/access/caller.ts';
import { type JobContext, type JobType, defineJob } from '../../src/core/define-job.ts';
import { createProviders } from '../../src/core/providers.ts';
import { newJobId } from '../../src/core/job-id.ts';
import { createJobIds } from '../../src/core/access/job-ids.ts';
import { createJobKeys } from '../../src/core/access/job-token.ts';
import { type DoneJob, type Job, type JobOptions, isDone } from '../../src/core/job.ts';
import type { JobEvents, JobQueue, JobWorker, Logger } from '../../src/core/ports.ts';
import { createRegistry } from '../../src/core/registry.ts';
import type { Schedule, Schedules } from '../../src/core/schedule.ts';
import { createJobService } from '../../src/core/service/create-service.ts';
import type { JobService } from '../../src/core/service/service.ts';
import type { DeliveryStore } from '../../src/core/webhook/delivery.ts';
import { createWebhookSecrets } from '../../src/core/webhook/secrets.ts';
import { createLogger } from '../../src/observability/logger.ts';
import type { QueueBackend } from '../../src/queue/backend.ts';
import { toBullmqPool } from '../../src/queue/postgres/pool.ts';
import { wireQueue } from '../../src/queue/wire-queue.ts';
import { isConnectionError } from '../../src/stores/connection-error.ts';
import { type EmbeddedStore, createEmbeddedStore } from '../../src/stores/embedded-store.ts';
import { poll } from './follow.ts';
import { type Backend, type Store, createStore } from './stores.ts';
import { openPool } from './postgres.ts';

const silent = createLogger('silent');

type Run = (input: { text: string }, job: JobContext) => Promise<{ text: string }>;

/** A job type whose function a test sets. */
export interface ScriptedType {
  readonly type: JobType;
  runs(next: Run): void;
}

export function scripted(
  name: string,
  options: Partial<
    Pick<
      JobType,
      | 'attempts'
      | 'timeoutSeconds'
      | 'backoffSeconds'
      | 'concurrency'
      | 'concurrencyPerCaller'
      | 'outageSeconds'
      | 'options'
    > & {
      readonly schedule: Schedule<{ text: string }>;
    }
  > = {},
): ScriptedType {
  let run: Run = async ({ text }) => ({ text });
  const type = defineJob({
    name,
    collection: `${name.toLowerCase()}s`,
    description: 'Does what the test says.',
    input: z.object({ text: z.string() }),
    result: z.object({ text: z.string() }),
    backoffSeconds: 0.01,
    ...options,
    run: (input, job) => run(input, job),
  });
  return { type, runs: (next) => void (run = next) };
}

/** A promise and the function that fulfils it. */
export function signal<T = void>() {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { reached: promise, reach: resolve };
}

/** What one process has of a queue: connections of its own, but for the embedded store, which belongs to one process. */
export interface QueueSide {
  readonly queue: JobQueue;
  readonly events: JobEvents;
  readonly service: JobService;
  readonly backend: QueueBackend;
  readonly schedules: Schedules;
  readonly deliveries: DeliveryStore;
  /** How many listen to jobs by way of the service. */
  listeners(): number;
  startWorkers(): JobWorker;
  startSchedules(): void;
  close(): Promise<void>;
}

export interface QueueOptions {
  /** @default 3600 */
  readonly retentionSeconds?: number;
  /** @default 100_000 */
  readonly maxDepth?: number;
  /** Whether callers take turns. @default false */
  readonly fair?: boolean;
}

export interface SideOptions extends QueueOptions {
  readonly url: string | undefined;
  readonly embedded: EmbeddedStore;
  readonly types: readonly JobType[];
  /** @default none */
  readonly logger?: Logger;
}

export async function openSide({
  url,
  embedded,
  types,
  retentionSeconds = 3600,
  maxDepth = 100_000,
  fair,
  logger = silent,
}: SideOptions): Promise<QueueSide> {
  const wired = wireQueue({ url, embedded: embedded.pool, types, retentionSeconds, logger, fair });
  const { backend, queue, events, schedules } = wired;
  const { use } = createProviders({});
  const registry = createRegistry(types.map((type) => ({ file: `${type.name}.ts`, type })));
  const stopping = new AbortController();
  let listening = 0;
  const counted: JobEvents = {
    subscribeAll: events.subscribeAll,
    subscribeType: events.subscribeType,
    subscribe(id, listener) {
      listening += 1;
      const unsubscribe = events.subscribe(id, listener);
      return () => {
        listening -= 1;
        unsubscribe();
      };
    },
  };
  try {
    await wired.connect();
    await wired.open({ events: true });
  } catch (error) {
    await wired.close();
    throw error;
  }
  const closeAll = async (): Promise<void> => {
    stopping.abort();
    await wired.close();
  };
  let closing: Promise<void> | undefined;
  return {
    queue,
    events,
    backend,
    schedules,
    deliveries: wired.deliveries,
    service: createJobService({
      registry,
      queue,
      events: counted,
      jobIds: createJobIds(queue, retentionSeconds),
      jobKeys: createJobKeys(queue, retentionSeconds),
      schedules,
      webhooks: {
        deliveries: wired.deliveries,
        secrets: createWebhookSecrets(queue, wired.deliveries),
        whyRefused: () => undefined,
      },
      use,
      logger,
      maxDepth,
      stopping: stopping.signal,
      isConnectionError,
    }),
    listeners: () => listening,
    startWorkers: () => wired.startWorkers({ concurrency: 5, use }),
    startSchedules: () => wired.startSchedules(maxDepth),
    close: () => (closing ??= closeAll()),
  };
}

export interface AddOptions {
  readonly caller?: string;
  readonly createdAt?: Date;
  readonly id?: string;
  readonly given?: JobOptions;
}

/** What is the same on each store. */
export type BullmqTools = Pick<Queue, 'add' | 'getJob' | 'drain' | 'clean' | 'retryJobs' | 'getJobCountByTypes'>;

export interface TestQueue extends QueueSide {
  /** Of the store; undefined on the embedded one. */
  readonly url: string | undefined;
  /** Open on the embedded store alone. */
  readonly embedded: EmbeddedStore;
  /** Opens another side of the same store, through this URL if one is given, and closes it with the test. */
  otherSide(url?: string, types?: readonly JobType[], options?: QueueOptions): Promise<QueueSide>;
  /** BullMQ's own queue of a type, as its tools and boards open it. It is closed with the test. */
  openBullmq(type: string): Promise<BullmqTools>;
  /** Starts workers that are closed with the test. */
  work(side?: QueueSide): JobWorker;
  add(scriptedType: ScriptedType, text?: string, options?: AddOptions): Promise<Job>;
  read(job: Job): Promise<Job | undefined>;
  /** Resolves to the job when it is done. */
  finish(job: Job): Promise<DoneJob>;
  submit(scriptedType: ScriptedType, text?: string, caller?: Caller): Promise<Job>;
}

/** A queue on a store of its own for the tests of one `describe`. */
export function setUpQueue(
  backend: Backend,
  scriptedTypes: readonly ScriptedType[],
  options: QueueOptions = {},
): TestQueue {
  const types = scriptedTypes.map(({ type }) => type);
  let store: Store;
  let embedded: EmbeddedStore;
  let side: QueueSide;
  const url = (): string | undefined => store.settings.QUEUE_URL;

  beforeAll(async () => {
    store = await createStore(backend);
    embedded = createEmbeddedStore(store.settings.DATA_DIR);
    if (backend === 'embedded') await embedded.open();
    side = await openSide({ url: url(), embedded, types, ...options });
  });
  afterAll(async () => {
    await side.close();
    await embedded.close();
    store.remove();
  });

  const read = (job: Job): Promise<Job | undefined> => side.queue.read(job.id, job.type);
  return {
    get queue() {
      return side.queue;
    },
    get events() {
      return side.events;
    },
    get service() {
      return side.service;
    },
    get schedules() {
      return side.schedules;
    },
    get deliveries() {
      return side.deliveries;
    },
    get backend() {
      return side.backend;
    },
    get url() {
      return url();
    },
    get embedded() {
      return embedded;
    },
    listeners: () => side.listeners(),
    startWorkers: () => side.startWorkers(),
    startSchedules: () => side.startSchedules(),
    close: () => side.close(),
    async otherSide(through = url(), ofTypes = types, own = options) {
      const other = await openSide({ url: through, embedded, types: ofTypes, ...own });
      onTestFinished(() => other.close());
      return other;
    },
    async openBullmq(type) {
      if (backend === 'redis') {
        const redis = new Redis(url() ?? '', { maxRetriesPerRequest: null });
        const queue = new Queue(queueName(type), { connection: redis, prefix });
        onTestFinished(async () => {
          await queue.close();
          redis.disconnect();
        });
        return queue;
      }
      const database = backend === 'embedded' ? undefined : openPool(url(), { options: postgresOptions, max: 2 });
      const connection = database === undefined ? embedded.pool : toBullmqPool(database);
      const queue = new Queue(type, { connection }, createPostgresBackend);
      onTestFinished(async () => {
        await queue.close();
        await database?.end();
      });
      return queue;
    },
    work(of = side) {
      const workers = of.startWorkers();
      onTestFinished(() => workers.close(5000));
      return workers;
    },
    add({ type }, text = 'hello', of = {}) {
      const { caller = ANONYMOUS.id, createdAt = new Date(), id = newJobId(type.name), given: jobOptions } = of;
      const { name, attempts: maxAttempts } = type;
      const job = { id, type: name, createdAt, maxAttempts, caller, input: { text }, requestId: 'test' };
      return side.queue.add({ ...job, options: jobOptions });
    },
    read,
    async finish(job) {
      const done = await poll(
        () => read(job),
        (now) => now !== undefined && isDone(now),
      );
      if (done === undefined || !isDone(done)) throw new Error('not done');
      return done;
    },
    async submit({ type }, text = 'hello', caller = ANONYMOUS) {
      return (await side.service.submit({ type, input: { text }, caller, requestId: 'test' })).job;
    },
  };
}
