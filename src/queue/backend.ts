import type { Job as BullmqJob, IQueueBackend, Processor, Queue, WorkerOptions } from 'bullmq';
import type { Batch } from '../core/batch/batch.ts';
import type { JobTypeState, JobTypeThroughput } from '../core/job-type-stats.ts';
import type { QueueLoad } from '../core/metrics.ts';
import type { JobEvent, ListQuery, Logger, Pace } from '../core/ports.ts';
import type { RateLimiterRes } from 'rate-limiter-flexible';
import { isConnectionError } from '../stores/connection-error.ts';
import type { DeliveryBackend } from './delivery-backend.ts';
import type { StoreClock } from './store-clock.ts';
import type { Addition, JobData, JobRecord, KeptJob } from './job-record.ts';
import type { OutputPiece } from '../core/output/output.ts';
import type { OutputPieces } from '../core/output/output-writer.ts';
import type { StoredJob, StoredJobs } from './stored-job.ts';
import type { OutputRun, StoredOutput } from './stored-output.ts';

/** The most jobs that one step of `expire` ends, because a store may do nothing else meanwhile. */
export const EXPIRED_AT_ONCE = 100;

/** The most jobs to which one step of `placeJobs` gives a place in each queue, for the same reason. */
export const PLACED_AT_ONCE = 1000;
/** The most callers of whose parked jobs one step of `freeSlots` thinks. */
export const CALLERS_AT_ONCE = 100;

/** One queue, to add jobs to. */
export interface BackendQueue {
  /** How many jobs are best added in one step. */
  readonly maxAdditions: number;
  /** For how many milliseconds each job of a batch prolongs the wait for the store: some times what adding one takes. */
  readonly batchJobMs: number;
  /**
   * BullMQ's priority for one of ours, of which the highest runs first and 0 is that of most jobs. BullMQ runs jobs of its priority 0 first,
   * then 1, 2, …
   */
  bullmqPriority(priority: number): number;
  waitUntilReady(): Promise<unknown>;
  /** While it is paused, workers take no jobs. A paused queue may be paused again. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /**
   * Adds new jobs in this order. A job that the store has already is an earlier try of the same call, and stays as it is.
   * @param deadline the store adds nothing after it; in milliseconds of `performance.now()`
   */
  add(additions: readonly Addition[], deadline: number): Promise<void>;
  /**
   * The same for ids that may belong to other jobs.
   * @returns for each addition the job that has its id, or undefined if that was added now
   */
  addOnce(additions: readonly Addition[], deadline: number): Promise<readonly (KeptJob | undefined)[]>;
  /**
   * Adds the jobs of a batch in one step, unless there is any job with the batch's tag.
   * @param tag that all of these jobs have
   * @returns a job with the tag, or undefined if these were added now
   */
  addBatch(additions: readonly Addition[], tag: string, deadline: number): Promise<KeptJob | undefined>;
  /** BullMQ's own. */
  readonly schedulers: Pick<Queue, 'getJobSchedulers' | 'upsertJobScheduler' | 'removeJobScheduler'>;
  close(): Promise<void>;
}

/** The part of BullMQ's `Worker` that is used. */
export interface BackendWorker {
  /** The tokens of its locks begin with it. */
  readonly id: string;
  close(force?: boolean): Promise<void>;
}

/** A feed of the store, which is read only while there are listeners. */
export interface BackendFeed {
  /** There are listeners from now on. Resolves when they receive what happens. */
  resume(): Promise<void>;
  /** There are no listeners any more, so it may stop reading. */
  pause(): void;
}

/** A subscription to the changes of one type's jobs. */
export interface BackendEvents extends BackendFeed {
  /** The additions of jobs, as events of kind `waiting`. Few want to know them. */
  readonly additions: BackendFeed;
  close(): Promise<void>;
}

export type JobProcessor = Processor<JobData, unknown>;

export type BackendWorkerOptions = Omit<WorkerOptions, 'connection' | 'prefix'> & {
  /** Milliseconds. */
  readonly lockDuration: number;
  /**
   * Whether its jobs are no job type's, so that no list has them and no event is published of them.
   * @default false
   */
  readonly isOwn?: boolean;
  /** Measures the steps of BullMQ's worker. */
  readonly measure?: <Steps extends IQueueBackend>(steps: Steps) => Steps;
  /** Called when the store has taken the end of a job that succeeded. */
  onCompleted(job: BullmqJob<JobData>): void;
  /** Called after each failed attempt. */
  onFailed(job: BullmqJob<JobData>): void;
  /** Called after the locks of these running jobs were renewed. */
  onRenewed(ids: readonly string[]): void;
  /** Called after the locks of these running jobs were found to have expired. */
  onLost(ids: readonly string[]): void;
};

/** The jobs that one worker runs. */
export interface LockHolder {
  readonly type: string;
  /** What the tokens of its locks begin with. */
  readonly token: string;
  /** A job that runs longer in milliseconds is left to another worker: its function may never return. */
  readonly timeoutMs: number;
  /** How long a renewed lock lasts, in milliseconds. */
  readonly lockMs: number;
}

/** Renews locks by a connection of its own. */
export interface LockRenewer {
  /** Renews the locks that the worker still holds. */
  renew(holder: LockHolder): Promise<void>;
}

/** core's event, with the record of a job that succeeded in place of the job. It is parsed only for a listener. */
export type StoreEvent =
  | Exclude<JobEvent, { readonly kind: 'finished' }>
  | { readonly kind: 'finished'; readonly toRecord?: () => JobRecord | undefined };

export type EventListener = (id: string, event: StoreEvent) => void;

/** The part of rate-limiter-flexible's limiters that is used. */
export interface RequestCounter {
  /** Rejects with the same value for a key that is over its limit. */
  consume(key: string): Promise<RateLimiterRes>;
}

export interface CounterOptions {
  readonly points: number;
  /** Seconds. */
  readonly duration: number;
  readonly keyPrefix: string;
}

/** A page of a list. */
export interface ListedRecords {
  readonly records: readonly JobRecord[];
  /** Whether there are, or may be, jobs after the last of these. */
  readonly hasMore: boolean;
}

/** The jobs of a batch, as the index of tags has them. */
export type TaggedJobs = Pick<Batch, 'caller' | 'createdAt' | 'counts'>;

export interface JobCounts {
  readonly waiting: number;
  readonly finished: number;
}

/** One kind of store under BullMQ. A queue is named after its job type, and a BullMQ job after the id of its caller. */
export interface QueueBackend {
  /** For the log and the banner, without credentials. */
  readonly description: string;
  /** Whether this process alone uses the store, so that no other worker takes its jobs. */
  readonly exclusive: boolean;
  /** Calls the listener after each error of a connection. To be called once, before `connect`. */
  onTrouble(listener: () => void): void;
  /**
   * Prepares the store; to be called before everything else, and again after it failed to reach the store.
   * @throws StartError that names the setting, when the store is available and refuses
   */
  connect(): Promise<void>;
  /** Its calls fail fast while the store is unavailable. */
  createQueue(type: string): BackendQueue;
  /** Its commands wait while the store is unavailable. Rejects if the store cannot be reached now. */
  createWorker(type: string, processor: JobProcessor, options: BackendWorkerOptions): Promise<BackendWorker>;
  /**
   * Receives the changes that any process makes to a type's jobs. Paused at first.
   * @param onBegin called when changes may have been missed
   */
  createEvents(type: string, listener: EventListener, onBegin: () => void): Promise<BackendEvents>;
  /** Reads each job atomically, and all in one round trip. In the order of the ids. */
  readRecords(type: string, ids: readonly string[]): Promise<readonly (JobRecord | undefined)[]>;
  /** Reads the first of these jobs, at least one, up to the one with which their results have more than so many characters. */
  readSome(type: string, ids: readonly string[], maxCharacters: number): Promise<readonly (JobRecord | undefined)[]>;
  /**
   * Counts the jobs with a batch's tag by their status, in one step.
   * @param caller undefined: of any
   * @returns undefined where there are none
   */
  countTagged(type: string, tag: string, caller: string | undefined): Promise<TaggedJobs | undefined>;
  readData(type: string, id: string): Promise<unknown>;
  /**
   * Reads a part of a job's output in one atomic step.
   * @param after the sequence after which it begins
   */
  readOutput(type: string, id: string, after: number): Promise<StoredOutput | undefined>;
  /**
   * In one atomic step: stores output of a running job behind that of before, and publishes how far it goes.
   * @returns how many of the pieces are stored now; undefined if the worker no longer has the job
   */
  storeOutput(type: string, id: string, run: OutputRun, pieces: OutputPieces): Promise<number | undefined>;
  /**
   * Newest first, up to the limit, or to the one with which their results have more than MAX_LISTED_CHARACTERS. Its cost does not grow with
   * the number of jobs in the store.
   * @param deadline its work ends then; in milliseconds of `performance.now()`
   */
  list(query: ListQuery, deadline: number): Promise<ListedRecords>;
  /**
   * In one atomic step: ends a waiting job, or marks a running one. Resolves to the job after that step; undefined if it was done.
   * @param options.onlyMarked ends a waiting job only if it was marked when it ran
   * @param options.deadline the store does nothing after it; in milliseconds of `performance.now()`
   */
  cancel(type: string, id: string, options: { onlyMarked: boolean; deadline: number }): Promise<JobRecord | undefined>;
  /** The same for several jobs, each by itself. Resolves to how many were not done. */
  cancelAll(type: string, ids: readonly string[], deadline: number): Promise<number>;
  /**
   * Ends waiting jobs of which no attempt began in time, by the clock of the store: some of each of these types, each in one atomic step.
   * @returns their ids; fewer than EXPIRED_AT_ONCE when none are left
   */
  expire(types: readonly string[]): Promise<readonly string[]>;
  /**
   * In one atomic step: ends a job that a worker has taken if it is too late for its first attempt, and otherwise keeps that one has begun,
   * after which it no longer expires.
   * @param token of the worker's lock
   * @returns whether an attempt may begin; false also if the worker no longer has the job
   */
  begin(type: string, id: string, token: string): Promise<boolean>;
  /**
   * Gives a place in its caller's rounds to each job that BullMQ has put behind all others of a fair queue, or as many as fit into one step.
   * @returns to how many, in the queue with most of them: fewer than PLACED_AT_ONCE when none are left
   */
  placeJobs(types: readonly string[]): Promise<number>;
  /**
   * In one atomic step: lets a job that a worker has taken run if fewer than `most` of its caller's jobs do, and otherwise parks it, as if it had
   * not been taken, until one of them has left its worker.
   * @returns 'lost' if the worker no longer has the job
   */
  takeSlot(type: string, id: string, options: { token: string; most: number }): Promise<'run' | 'parked' | 'lost'>;
  /**
   * Lets parked jobs wait for a worker, as many as their callers may run.
   * @param most of one caller
   * @param left the job that has left its worker; undefined: looks for what other processes did not say before they ended
   */
  freeSlots(type: string, most: number, left?: string): Promise<void>;
  /** Resolves to those of these jobs that are marked. */
  readMarked(type: string, ids: readonly string[]): Promise<string[]>;
  /**
   * In one atomic step: puts a failed or canceled job back for more attempts. Resolves to the job after that step; undefined if it was neither.
   * @param options.deadline the store does nothing after it; in milliseconds of `performance.now()`
   */
  retry(type: string, id: string, options: { attempts: number; deadline: number }): Promise<JobRecord | undefined>;
  /** The same for several jobs, each by itself. Resolves to how many it put back. */
  retryAll(type: string, ids: readonly string[], options: { attempts: number; deadline: number }): Promise<number>;
  /**
   * Removes some of the jobs that finished up to a time, in milliseconds since 1970, and what the store's events hold from before it.
   * @param retentionMs the retention by which the caller reckoned that time: a job whose own is longer stays for longer
   * @returns how many jobs; 0 when none are left
   */
  removeFinished(type: string, until: number, retentionMs?: number): Promise<number>;
  /**
   * Adds to the index of lists over all callers what it lacks: jobs of an earlier version, which did not keep it. In steps, between which
   * the store serves others. To be called now and then, because processes of an earlier version may go on for a while.
   */
  completeIndex(types: readonly string[], isClosed: () => boolean): Promise<void>;
  /** The clock of the store, which decides what has expired. */
  clockOf(type: string): Pick<StoreClock, 'now' | 'measure'>;
  /** Keeps these names of job types, and resolves to all that were ever kept. */
  addTypes(types: readonly string[]): Promise<string[]>;
  /** How many jobs of a type have finished, and how many have not. */
  countJobs(type: string): Promise<JobCounts>;
  /** What an operator sees of a type, in one step, whose cost does not grow with the number of jobs. */
  readTypeState(type: string): Promise<JobTypeState>;
  /** Counts jobs that ended, in the present minute by the clock of the store. */
  addEnds(type: string, ends: JobTypeThroughput): Promise<void>;
  readPace(type: string): Promise<Pace>;
  /** How many jobs of each of these types wait and run, in one round trip. */
  readLoads(types: readonly string[]): Promise<readonly QueueLoad[]>;
  /** How many jobs of a type are Pending. Counts no further than `max`. */
  readDepth(type: string, max: number): Promise<number>;
  /** How many of them are the caller's. */
  readCallerDepth(type: string, caller: string, max: number): Promise<number>;
  /**
   * Resolves to the secret that the store keeps.
   * @param own stored if the store has none: a new secret, or this process's, after the store lost its data
   */
  readSecret(own: string): Promise<string>;
  /** Of webhooks. */
  readonly deliveries: DeliveryBackend;
  /** Counts the requests of all processes together; undefined for a store that only one process uses. */
  createRequestCounter(options: CounterOptions): RequestCounter | undefined;
  /**
   * Reads a part of all that the store keeps of a type's jobs. No process may change them meanwhile.
   * @param from `next` of the part before
   */
  readStored(type: string, from?: string): Promise<StoredJobs>;
  /** Adds jobs of another store, but for those whose ids are there already. Resolves to the ids that it added. */
  addStored(type: string, jobs: readonly StoredJob[]): Promise<readonly string[]>;
  /** Adds output of another store to a job of it, but for what it has already. */
  addOutput(type: string, id: string, pieces: readonly OutputPiece[]): Promise<void>;
  /** How many APIs and workers are connected to the store, as far as it says. */
  countUsers(): Promise<number>;
  ping(): Promise<void>;
  /** Writes something, and keeps nothing. */
  tryWrite(): Promise<void>;
  /** To be called when queues, workers and events are closed. */
  close(): Promise<void>;
}

/** An error of BullMQ's worker: of its connection, or a move of a job that the store refused, such as the end of one that it lost. */
export function onWorkerError(error: Error, logger: Logger, onTrouble: (error: Error) => void): void {
  if (isConnectionError(error)) onTrouble(error);
  else logger.warn({ err: error }, 'a worker could not move a job, or lost it to another');
}
