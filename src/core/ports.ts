import type { Job, JobFailure, JobStatus, SucceededJob } from './job.ts';

/** Where lines of log go; the fields of pino's calls. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Logger;
  isLevelEnabled(level: 'debug'): boolean;
}

/** A job that the service is about to accept. */
export interface NewJob {
  readonly id: string;
  readonly type: string;
  /** Id of the caller. */
  readonly caller: string;
  readonly createdAt: Date;
  readonly maxAttempts: number;
  /** As the caller sent it: valid by the type's schema, and made of JSON. */
  readonly input: unknown;
  /** Id of the request that submitted it, for the log. */
  readonly requestId: string;
}

/** A job that an idempotency key stands for. */
export interface KeyedJob extends NewJob {
  /** Tells one input from another. */
  readonly fingerprint: string;
}

/** What became of a job with an idempotency key: `replayed` if the key had made it before. */
export interface KeyedAddition {
  readonly job: Job;
  readonly replayed: boolean;
  /** Of the input that made the job. */
  readonly fingerprint: string | undefined;
}

/** A place in the order of a list: newest first by `createdAt`, then by id, backwards. */
export interface ListPosition {
  readonly createdAt: Date;
  readonly id: string;
}

export interface ListQuery {
  /** Id of the caller. */
  readonly caller: string;
  /** Names of the job types; at least one. */
  readonly types: readonly string[];
  /** At least one. */
  readonly statuses: readonly JobStatus[];
  /** Only jobs behind this place. */
  readonly after: ListPosition | undefined;
  readonly limit: number;
}

/** How fast jobs of one type have been done of late. */
export interface Pace {
  /** Milliseconds that an attempt which succeeded took: the median of the last ones. Undefined: there were none. */
  readonly durationMs: number | undefined;
  /** Milliseconds between the ends of two jobs while there was work, on average of the last ones. */
  readonly intervalMs: number;
  /** Jobs that wait for a worker. */
  readonly waiting: number;
}

/** The queue, as the service needs it. Each call has a deadline and throws a ServiceError `queue-unavailable` when the queue can't be reached. */
export interface JobQueue {
  /** Resolves when the queue has the job, and not before. */
  add(job: NewJob): Promise<Job>;
  /** The same, but if there is a job with this id already it stays as it is. */
  addOnce(job: KeyedJob): Promise<KeyedAddition>;
  /** One atomic read of status, progress, result and error. */
  read(id: string, type: string): Promise<Job | undefined>;
  /** A job's input, as it was sent. */
  readInput(id: string, type: string): Promise<unknown>;
  /**
   * Ends a job that waits, or marks a running one so that its worker ends it.
   * @returns the job as that one atomic step left it; undefined if it was done before
   */
  cancel(job: Job): Promise<Job | undefined>;
  /**
   * Puts a failed or canceled job back, keeping its history.
   * @param attempts how many more there may be
   * @returns the job as that one atomic step left it, which is Pending; undefined if it was neither failed nor canceled
   */
  retry(job: Job, attempts: number): Promise<Job | undefined>;
  /** Newest first. May hold jobs past their retention. */
  list(query: ListQuery): Promise<Job[]>;
  /** How fast jobs of a type have been done of late. */
  readPace(type: string): Promise<Pace>;
  /** How many jobs of a type wait for a worker or for their next attempt. Counts no further than `max`. */
  readDepth(type: string, max: number): Promise<number>;
  /** A random text that belongs to the queue: the same for all processes, and for ever. */
  readSecret(): Promise<string>;
  /** Resolves if the queue can take a job now. */
  ping(): Promise<void>;
}

/** How many requests of one caller there may be in a time. */
export interface RateLimit {
  readonly requests: number;
  readonly seconds: number;
}

/** How a caller stands with its limit after a request. */
export interface RateLimitState {
  readonly allowed: boolean;
  /** Requests that are left. */
  readonly remaining: number;
  /** Seconds until there are as many again as there may be; at least 1. */
  readonly resetSeconds: number;
}

/** Counts requests, in whatever process they come. Never throws, and answers whether or not the store does. */
export interface RateLimiter {
  readonly limit: RateLimit;
  /** Counts a request of whom the key stands for. */
  take(key: string): Promise<RateLimitState>;
}

/** Something happened to a job. What it tells may already be old when it arrives. */
export type JobEvent =
  | { readonly kind: 'progress'; readonly percentComplete: number; readonly message: string | null; readonly at: Date }
  /** An attempt began. */
  | { readonly kind: 'started' }
  /** The job waits for a worker, or for its time. */
  | { readonly kind: 'waiting' }
  /** Where the store tells it, with the job that succeeded, of which nothing changes any more. */
  | { readonly kind: 'finished'; readonly job?: SucceededJob }
  /** Events may have been lost: read the job again. */
  | { readonly kind: 'lost' };

/** What happens to jobs, in whatever process. */
export interface JobEvents {
  /** @returns what ends the subscription */
  subscribe(id: string, listener: (event: JobEvent) => void): () => void;
}

/** How one attempt ended. */
export type AttemptOutcome =
  | { readonly kind: 'succeeded'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly error: JobFailure; readonly retry: boolean }
  | { readonly kind: 'canceled'; readonly error: JobFailure }
  /** The worker is shutting down: the job goes back to the queue, and the run is not counted. */
  | { readonly kind: 'handed-back' }
  /** Another worker may have the job: what came of this run counts for nothing. */
  | { readonly kind: 'lost' };

/** Runs jobs until it is closed. */
export interface JobWorker {
  /** Takes no more work, gives what runs `graceMs` milliseconds to finish, and hands the rest back to the queue. */
  close(graceMs: number): Promise<void>;
}
