import type { Batch } from './batch/batch.ts';
import type { JobTypeState } from './job-type-stats.ts';
import type { Job, JobBase, JobFailure, JobOptions, JobStatus, SucceededJob } from './job.ts';
import type { OutputPiece } from './output/output.ts';
import type { TraceContext } from './trace.ts';

/** The methods of pino's loggers that are used. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Logger;
  isLevelEnabled(level: 'debug' | 'info'): boolean;
}

/** The message of each line of the log that says who was refused, or what an admin did with another caller's job. */
export const AUDIT = 'audit';

/** A job to add to the queue. */
export interface NewJob {
  readonly id: string;
  readonly type: string;
  /** Id of the caller. */
  readonly caller: string;
  readonly createdAt: Date;
  readonly maxAttempts: number;
  /** JSON, as the caller sent it; valid by the type's schema. */
  readonly input: unknown;
  readonly options?: JobOptions | undefined;
  /** Id of the submitting request, for the log. */
  readonly requestId: string;
  /** Of the submission; undefined if it is not traced. */
  readonly trace?: TraceContext | undefined;
}

/** A job whose id comes from an idempotency key. */
export interface KeyedJob extends NewJob {
  /** Identifies the input and the options. */
  readonly fingerprint: string;
}

/** The outcome of adding a keyed job. */
export interface KeyedAddition {
  readonly job: Job;
  /** Whether an earlier addition had created the job. */
  readonly replayed: boolean;
  /** Of the submission that created the job. */
  readonly fingerprint: string | undefined;
}

/** The outcome of adding a batch. */
export interface BatchAddition extends Pick<KeyedAddition, 'replayed' | 'fingerprint'> {
  /** As they were added; undefined if an earlier addition had added the batch. */
  readonly jobs: readonly Job[] | undefined;
}

/** The first of several jobs that were asked for. */
export interface SomeJobs {
  /** In the order of the ids. Undefined for a job that does not exist. */
  readonly jobs: readonly (Job | undefined)[];
  /** Of the results of these jobs, as JSON. */
  readonly resultCharacters: number;
}

/** A position in a list, which is ordered by `createdAt` and then by id, both descending. */
export interface ListPosition {
  readonly createdAt: Date;
  readonly id: string;
}

export interface ListQuery {
  /** Id of the caller; undefined: the jobs of all callers. */
  readonly caller: string | undefined;
  /** Names of the job types; at least one. */
  readonly types: readonly string[];
  /** At least one. */
  readonly statuses: readonly JobStatus[];
  /** Only jobs with this tag. */
  readonly tag?: string | undefined;
  /** Only jobs after this position. */
  readonly after: ListPosition | undefined;
  /** Only jobs that were created at this time or later. */
  readonly since?: Date | undefined;
  readonly limit: number;
}

/** Characters of results after which a page of a list ends, whatever its limit: the last job on it may add a large one. */
export const MAX_LISTED_CHARACTERS = 2_000_000;

export interface ListedJobs {
  readonly jobs: readonly Job[];
  /** Whether there are, or may be, jobs after the last of these. */
  readonly hasMore: boolean;
  /** Of the results of these jobs, as JSON. */
  readonly resultCharacters: number;
}

/** How fast jobs of one type have finished recently. */
export interface Pace {
  /** Median duration of the latest successful attempts, in milliseconds; undefined if there were none. */
  readonly durationMs: number | undefined;
  /** Mean time between the ends of the latest jobs while there was work, in milliseconds. */
  readonly intervalMs: number;
  /** Jobs waiting for a worker. */
  readonly waiting: number;
  /** The ids of the first of them, in the order in which workers take them, up to FIRST_WAITING. @default none */
  readonly firstWaiting?: readonly string[];
  /** Whether workers take no jobs. */
  readonly paused: boolean;
  /** Whether callers take turns, so that a new job may go before those of others. @default false */
  readonly fair?: boolean;
}

/** Of so many waiting jobs of a type the position is known: more would take a measurement longer than a poll. */
export const FIRST_WAITING = 1000;

/** Some of a job's output, read in one step with what decides who may read it, and whether there will be more. */
export interface OutputPage extends Pick<JobBase, 'id' | 'type' | 'caller' | 'createdAt'> {
  readonly pieces: readonly OutputPiece[];
  /** Whether there is more now. */
  readonly hasMore: boolean;
  /** When the job is removed; undefined while it is not done. */
  readonly expiresAt: Date | undefined;
}

/** The queue, as the service needs it. Every call has a deadline, and throws a ServiceError `queue-unavailable` when the queue cannot be reached. */
export interface JobQueue {
  /** Resolves once the queue has stored the job. */
  add(job: NewJob): Promise<Job>;
  /** Adds a job unless one with this id exists, which is then returned unchanged. */
  addOnce(job: KeyedJob): Promise<KeyedAddition>;
  /**
   * Adds the jobs of a batch, all in one step, or none of them where the queue has any job of that batch.
   * @param jobs of one type and one caller, with the batch's tag; at least one
   */
  addBatch(jobs: readonly KeyedJob[]): Promise<BatchAddition>;
  /**
   * Counts the jobs of a batch by their status. May include jobs past their retention.
   * @param caller only its jobs; undefined: those of any caller
   * @returns undefined where there are none
   */
  readBatch(id: string, type: string, caller: string | undefined): Promise<Batch | undefined>;
  /** Reads the first of these jobs, at least one, up to the one with which their results have more than MAX_LISTED_CHARACTERS. */
  readSome(type: string, ids: readonly string[]): Promise<SomeJobs>;
  /** Reads status, progress, result and error in one atomic step. */
  read(id: string, type: string): Promise<Job | undefined>;
  /** A job's input, as it was sent. */
  readInput(id: string, type: string): Promise<unknown>;
  /**
   * Reads a part of a job's output, of limited size.
   * @param after the sequence of the last piece that the reader has
   * @returns undefined if there is no such job
   */
  readOutput(id: string, type: string, after: number): Promise<OutputPage | undefined>;
  /**
   * Ends a waiting job, or marks a running one so that its worker ends it.
   * @returns the job as this atomic step left it; undefined if it was already done
   */
  cancel(job: Job): Promise<Job | undefined>;
  /**
   * Puts a failed or canceled job back, keeping its history.
   * @param attempts further attempts
   * @returns the job as this atomic step left it, which is Pending; undefined if it was neither failed nor canceled
   */
  retry(job: Job, attempts: number): Promise<Job | undefined>;
  /**
   * Cancels several jobs of a type in few round trips: what `cancel` does for one.
   * @returns how many were not done already
   */
  cancelAll(type: string, ids: readonly string[]): Promise<number>;
  /**
   * The same for `retry`.
   * @returns how many had failed or were canceled
   */
  retryAll(type: string, ids: readonly string[], attempts: number): Promise<number>;
  /** Newest first. May include jobs past their retention. Fewer than the limit, where their results are large. */
  list(query: ListQuery): Promise<ListedJobs>;
  readPace(type: string): Promise<Pace>;
  /** What an operator sees of a type. Its cost does not grow with the number of jobs. */
  readTypeState(type: string): Promise<JobTypeState>;
  /** Lets workers finish the jobs that run, and take no others until `resumeType`. A paused type may be paused again. */
  pauseType(type: string): Promise<void>;
  resumeType(type: string): Promise<void>;
  /** Jobs of a type that wait for a worker or for their next attempt, counted up to `max`. */
  readDepth(type: string, max: number): Promise<number>;
  /** The same for one caller's jobs of all types. */
  readCallerDepth(caller: string, max: number): Promise<number>;
  /** A random string stored with the queue: the same in all processes, and permanent. */
  readSecret(): Promise<string>;
  /** Whether there are jobs of a type, also of one whose file is gone. */
  has(type: string): boolean;
  /** The types whose files are gone, and which may have jobs. */
  removedTypes(): readonly string[];
  /** The time by the clock of the store, which decides what has expired; in milliseconds since 1970. */
  now(type: string): number;
  /** Resolves if the queue is available. */
  ping(): Promise<void>;
}

/** Requests that one caller may send in a period. */
export interface RateLimit {
  readonly requests: number;
  readonly seconds: number;
}

/** A caller's state after a request was counted. */
export interface RateLimitState {
  readonly allowed: boolean;
  /** Requests left in this period. */
  readonly remaining: number;
  /** Seconds until the full limit is available again; at least 1. */
  readonly resetSeconds: number;
}

/** Counts requests across all processes. Never throws, and answers even when the store does not. */
export interface RateLimiter {
  readonly limit: RateLimit;
  /** Counts a request of the caller with this key. */
  take(key: string): Promise<RateLimitState>;
}

/** A change of a job. It may be out of date when it arrives. */
export type JobEvent =
  | { readonly kind: 'progress'; readonly percentComplete: number; readonly message: string | null; readonly at: Date }
  /** An attempt began. */
  | { readonly kind: 'started' }
  /** A running job was told to stop. */
  | { readonly kind: 'cancelRequested' }
  /** There is output up to this sequence. */
  | { readonly kind: 'output'; readonly sequence: number }
  /** The job waits for a worker, or for the time of its next attempt. */
  | { readonly kind: 'waiting' }
  /** The job ended. Carries a job that succeeded, where the store publishes it: such a job never changes again. */
  | { readonly kind: 'finished'; readonly job?: SucceededJob }
  /** Events may be missing: read the job again. */
  | { readonly kind: 'lost' };

/** That any job was added or changed. Read it to know how. */
export type AnyChange =
  | { readonly kind: 'changed'; readonly id: string }
  /** Changes may have been missed. */
  | { readonly kind: 'lost' };

/** Changes of jobs, in all processes. */
export interface JobEvents {
  /** @returns unsubscribe */
  subscribe(id: string, listener: (event: JobEvent) => void): () => void;
  /**
   * Subscribes to the changes of a type's jobs, but not to their additions and their output.
   * @returns unsubscribe
   */
  subscribeType(type: string, listener: (change: AnyChange) => void): () => void;
  /**
   * Subscribes to the changes of all jobs, but not to their output.
   * @returns unsubscribe, when changes arrive
   * @throws ServiceError `queue-unavailable`
   */
  subscribeAll(listener: (change: AnyChange) => void): Promise<() => void>;
}

export interface Postponement {
  readonly kind: 'postponed';
  /** What it waits for. */
  readonly until: 'outage-ends' | 'newer-worker';
  readonly maxSeconds: number;
  /** The shortest wait, in seconds; undefined: the queue chooses. */
  readonly retryAfter: number | undefined;
  /** Shown to callers meanwhile. */
  readonly message: string;
  /** How the attempt ends when the job has waited for too long. */
  readonly error: JobFailure;
  readonly retry: boolean;
}

/** How one attempt ended. */
export type AttemptOutcome =
  | { readonly kind: 'succeeded'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly error: JobFailure; readonly retry: boolean }
  /** Nothing is wrong with the job: it waits, and the run does not count as an attempt unless it has waited for `maxSeconds`. */
  | Postponement
  | { readonly kind: 'canceled'; readonly error: JobFailure }
  /** The worker is shutting down: the job returns to the queue, and the run does not count as an attempt. */
  | { readonly kind: 'handed-back' }
  /** Another worker may have the job, so the outcome of this run is discarded. */
  | { readonly kind: 'lost' };

/** Runs jobs until it is closed. */
export interface JobWorker {
  /** Stops taking jobs, gives running ones `graceMs` milliseconds to finish, and returns the rest to the queue. */
  close(graceMs: number): Promise<void>;
}
