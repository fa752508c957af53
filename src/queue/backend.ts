import type { Job as BullmqJob, Processor, WorkerOptions } from 'bullmq';
import type { JobEvent, ListQuery, Pace } from '../core/ports.ts';
import type { RateLimiterRes } from 'rate-limiter-flexible';
import type { Addition, KeptJob } from './addition.ts';
import type { JobData, JobRecord } from './job-record.ts';

/** Adds jobs to one queue. */
export interface BackendQueue {
  /** Jobs that are best added in one step. */
  readonly maxAdditions: number;
  waitUntilReady(): Promise<unknown>;
  /**
   * Adds new jobs, in this order, but for those that it has: then they come a second time.
   * @param deadline after which the store adds nothing more, in milliseconds of `performance.now()`
   */
  add(additions: readonly Addition[], deadline: number): Promise<void>;
  /**
   * The same for ids that other jobs may have.
   * @returns for each the job that has its id, unless it is known to be new
   */
  addOnce(additions: readonly Addition[], deadline: number): Promise<readonly (KeptJob | undefined)[]>;
  close(): Promise<void>;
}

/** What is used of BullMQ's `Worker`. */
export interface BackendWorker {
  close(force?: boolean): Promise<void>;
}

/** Tells of what happens to a type's jobs. */
export interface BackendEvents {
  /** Somebody listens from now on. */
  resume(): void;
  /** Nobody listens any more: it may stop to read. */
  pause(): void;
  close(): Promise<void>;
}

export type JobProcessor = Processor<JobData, unknown>;

export type BackendWorkerOptions = Omit<WorkerOptions, 'connection' | 'prefix'> & {
  /** Milliseconds. */
  readonly lockDuration: number;
  /** Called after an attempt failed, whether or not there will be another. */
  onFailed(job: BullmqJob<JobData>): void;
  /** Called when the locks of these running jobs were made to last again. */
  onRenewed(ids: readonly string[]): void;
  /** Called when those of these were found to be gone. */
  onLost(ids: readonly string[]): void;
};

/** core's event, but that a job which succeeded comes as its record, made for those who ask. */
export type StoreEvent =
  | Exclude<JobEvent, { readonly kind: 'finished' }>
  | { readonly kind: 'finished'; readonly toRecord?: () => JobRecord | undefined };

export type EventListener = (id: string, event: StoreEvent) => void;

/** What is used of rate-limiter-flexible's limiters. */
export interface RequestCounter {
  /** Rejects with the same for one who is over the limit. */
  consume(key: string): Promise<RateLimiterRes>;
}

export interface CounterOptions {
  readonly points: number;
  /** Seconds. */
  readonly duration: number;
  readonly keyPrefix: string;
  readonly inMemoryBlockOnConsumed?: number;
}

/** One kind of store under BullMQ. A job type's queue has the type's name, and a job's name is the id of its caller. */
export interface QueueBackend {
  /** For people, without credentials. */
  readonly description: string;
  /** Tells a listener when one of its connections is in trouble. To be called once, before `connect`. */
  onTrouble(listener: () => void): void;
  /**
   * Makes the store ready for use; nothing else may be called before. Called again after it failed to reach the store.
   * @throws StartError that names the setting, when the store is there and refuses
   */
  connect(): Promise<void>;
  /** For adding: fails fast when the store is away. */
  createQueue(type: string): BackendQueue;
  /** For workers: waits for the store to come back. Rejects when it can't be reached now. */
  createWorker(type: string, processor: JobProcessor, options: BackendWorkerOptions): Promise<BackendWorker>;
  /**
   * Hears of what happens to a type's jobs, in whatever process, while it is not paused, as it is at first.
   * @param onBegin is told when something may have happened of which it has not heard
   */
  createEvents(type: string, listener: EventListener, onBegin: () => void): Promise<BackendEvents>;
  /** Of each job one atomic read, and all in one round trip. In the order of the ids. */
  readRecords(type: string, ids: readonly string[]): Promise<readonly (JobRecord | undefined)[]>;
  readData(type: string, id: string): Promise<unknown>;
  /** Newest first; what it costs does not grow with the number of jobs there are. */
  list(query: ListQuery): Promise<JobRecord[]>;
  /**
   * In one atomic step: ends a waiting job, or marks a running one. Resolves to the job after that step; undefined if it was done.
   * @param options.onlyMarked ends a waiting job only if it was marked when it ran
   * @param options.deadline after which the store does nothing, in milliseconds of `performance.now()`
   */
  cancel(type: string, id: string, options: { onlyMarked: boolean; deadline: number }): Promise<JobRecord | undefined>;
  /** Of these jobs the ones that are marked. */
  readMarked(type: string, ids: readonly string[]): Promise<string[]>;
  /**
   * In one atomic step: puts a failed or canceled job back for more attempts. Resolves to the job after that step; undefined if it was neither.
   * @param options.deadline after which the store does nothing, in milliseconds of `performance.now()`
   */
  retry(type: string, id: string, options: { attempts: number; deadline: number }): Promise<JobRecord | undefined>;
  /** Removes some of the jobs that finished up to a time, in milliseconds since 1970. Resolves to how many. */
  removeFinished(type: string, until: number): Promise<number>;
  readPace(type: string): Promise<Pace>;
  /** How many jobs of a type wait for a worker or for their next attempt. Counts no further than `max`. */
  readDepth(type: string, max: number): Promise<number>;
  /**
   * Resolves to the secret that the store has.
   * @param own stored when it has none: a new one, or the one that this process knows, if the store lost it
   */
  readSecret(own: string): Promise<string>;
  /** Counts requests for all processes together; undefined where there is one process alone. */
  createRequestCounter(options: CounterOptions): RequestCounter | undefined;
  ping(): Promise<void>;
  /** To be called when queues, workers and events are closed. */
  close(): Promise<void>;
}
