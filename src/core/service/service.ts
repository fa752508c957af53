import type { Caller } from '../access/caller.ts';
import type { JobType } from '../define-job.ts';
import type { Job, JobStatus } from '../job.ts';
import type { ListPosition } from '../ports.ts';
import type { Registry } from '../registry.ts';

/** A wait for a job never lasts longer, in seconds. */
export const MAX_WAIT_SECONDS = 60;

export interface Submission {
  readonly type: JobType;
  readonly input: unknown;
  readonly caller: Caller;
  readonly requestId: string;
  /** The same caller, type and key give the same job, as long as it can be read. */
  readonly idempotencyKey?: string | undefined;
}

export interface SubmittedJob {
  readonly job: Job;
  /** Whether the idempotency key had made the job before. */
  readonly replayed: boolean;
}

export interface JobFilter {
  /** Name of a job type; undefined: of all. */
  readonly type: string | undefined;
  /** Undefined: with all. */
  readonly statuses: readonly JobStatus[] | undefined;
  readonly after: ListPosition | undefined;
  readonly limit: number;
}

export interface JobPage {
  readonly jobs: readonly Job[];
  /** Null on the last page. */
  readonly nextCursor: string | null;
}

/**
 * Everything the faces can ask for: the one place both call. Every method may throw a ServiceError `queue-unavailable`, and
 * each that takes a caller `forbidden`, which names the scope that it lacks, and `unauthenticated`, for the key of another job.
 * A job of another caller is not told from one that does not exist.
 */
export interface JobService {
  readonly registry: Registry;
  /** Aborted when the process ends: nobody waits any longer, and what is watched ends before its job does. */
  readonly stopping: AbortSignal;
  /**
   * Accepts a job. When this resolves, the queue has it.
   * @throws ServiceError `invalid-input`, `idempotency-key-reused`, `queue-full`
   */
  submit(submission: Submission): Promise<SubmittedJob>;
  /**
   * The same, with the job as it is when it is done, or when the time is over or the signal aborted. Who submits needs no scope to wait.
   * @param seconds at most 60
   */
  submitAndWait(submission: Submission, seconds: number, signal: AbortSignal): Promise<SubmittedJob>;
  /** Resolves to undefined for an id that no job has, or whose job has expired. */
  read(id: string, caller: Caller): Promise<Job | undefined>;
  /**
   * Reads a job when it is done, or as it is when the time is over or the signal aborted.
   * @param seconds at most 60
   */
  wait(id: string, caller: Caller, seconds: number, signal: AbortSignal): Promise<Job | undefined>;
  /**
   * The job as it is, then each change in order, and the end.
   * @throws ServiceError `not-found`
   */
  watch(id: string, caller: Caller, signal: AbortSignal): AsyncGenerator<Job, void, void>;
  /**
   * Cancels a pending job at once; a running one ends soon.
   * @throws ServiceError `not-found`, `not-cancelable`
   */
  cancel(id: string, caller: Caller): Promise<Job>;
  /**
   * Puts a failed or canceled job back, with all its attempts once more.
   * @throws ServiceError `not-found`, `not-retryable`
   */
  retry(id: string, caller: Caller): Promise<Job>;
  /**
   * The caller's jobs, newest first.
   * @throws ServiceError `invalid-input`, for a type that there is not
   */
  list(filter: JobFilter, caller: Caller): Promise<JobPage>;
  /** A job's input, as it was sent. */
  readInput(job: Job): Promise<unknown>;
  /** A key with which whoever holds it may read and cancel this job, and do nothing else. */
  accessToken(job: Pick<Job, 'id' | 'createdAt'>): Promise<string>;
  /** Seconds a poller should wait; null when the job is done. */
  retryAfter(job: Job): number | null;
  /**
   * Resolves to undefined if there is none with this id.
   * @throws ServiceError `not-found`, if the job type makes no resource; `service-unavailable`, if it can't be read in 1.5 s
   */
  findResource(type: JobType, id: string, caller: Caller): Promise<unknown>;
}
