import type { Job, PendingJob } from './job.ts';

/** Where lines of log go; the fields of pino's calls. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Logger;
}

/** A job that the service is about to accept. */
export interface NewJob {
  readonly id: string;
  readonly type: string;
  readonly createdAt: Date;
  readonly maxAttempts: number;
  /** Milliseconds before the second attempt. */
  readonly backoffMs: number;
  /** As the caller sent it: valid by the type's schema, and made of JSON. */
  readonly input: unknown;
  /** Id of the request that submitted it, for the log. */
  readonly requestId: string;
}

/** The queue, as the service needs it. Each call has a deadline and throws a ServiceError `queue-unavailable` when the queue can't be reached. */
export interface JobQueue {
  /** Resolves when the queue has the job, and not before. */
  add(job: NewJob): Promise<PendingJob>;
  /** One atomic read of status, progress, result and error. */
  read(id: string, type: string): Promise<Job | undefined>;
  /** A job's input, as it was sent. */
  readInput(id: string, type: string): Promise<unknown>;
  /** Resolves if the queue can take a job now. */
  ping(): Promise<void>;
}

/** How one attempt ended. */
export type AttemptOutcome =
  | { readonly kind: 'succeeded'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly error: { code: string; message: string }; readonly retry: boolean }
  /** The worker is shutting down: the job goes back to the queue, and the run is not counted. */
  | { readonly kind: 'handed-back' };

/** Runs jobs until it is closed. */
export interface JobWorker {
  /** Takes no more work, gives what runs `graceMs` milliseconds to finish, and hands the rest back to the queue. */
  close(graceMs: number): Promise<void>;
}
