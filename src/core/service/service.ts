import type { Caller } from '../access/caller.ts';
import type { BatchService } from '../batch/batch-service.ts';
import type { BulkActionInput } from '../bulk/bulk-action.ts';
import type { JobType } from '../define-job.ts';
import type { Files } from '../files/files.ts';
import type { Job, SucceededJob } from '../job.ts';
import type { OutputService } from '../output/output-service.ts';
import type { ListPosition } from '../ports.ts';
import type { Registry } from '../registry.ts';
import type { Urls } from '../urls.ts';
import type { JobFilter } from './job-filter.ts';
import type { JobTypeService } from './job-types.ts';
import type { Submission, SubmittedJob } from './submission.ts';
import type { WebhookService } from '../webhook/webhook-service.ts';

export interface JobPageRequest extends JobFilter {
  /** The last job of the previous page; undefined: start with the newest. */
  readonly after: ListPosition | undefined;
  /** Jobs on the page, 1 to 100. */
  readonly limit: number;
}

export interface JobPage {
  readonly jobs: readonly Job[];
  /** Null on the last page. */
  readonly nextCursor: string | null;
  /** Of the results of these jobs, as JSON. */
  readonly resultCharacters: number;
}

export interface BulkSubmission extends Pick<Submission, 'caller' | 'requestId' | 'idempotencyKey'> {
  readonly action: BulkActionInput['action'];
  readonly filter: JobFilter;
}

export interface BulkService {
  /**
   * Accepts a job that cancels or retries all jobs which a filter matches: the caller's, or an admin's choice of all callers'. Only jobs that
   * were created before the call are matched, and by a retry those that had ended before it; another bulk action only where the filter
   * names its type. Needs the scope `submit`.
   * @throws ServiceError as `submit` does; `invalid-input`, for a filter that names nothing, an unknown type, or statuses in which no job
   * can be changed; `forbidden`, for another caller's jobs without the scope `admin`
   */
  submitBulk(submission: BulkSubmission): Promise<SubmittedJob>;
}

/**
 * Everything that the APIs can ask for; GraphQL and REST both call this and nothing below it.
 *
 * Every method may throw a ServiceError `queue-unavailable`. A method with a caller may throw `forbidden`, which names the missing
 * scope, and `unauthenticated`, for the access token of another job. Another caller's job is indistinguishable from a missing one. A method
 * that looks for a job may throw `expired`, for one of the caller's own that was removed after its retention, as long as its id tells.
 */
export interface JobService extends JobTypeService, BulkService, BatchService, OutputService, WebhookService {
  readonly registry: Registry;
  /** Aborted at shutdown: waits return early, and watches end before their job does. */
  readonly stopping: AbortSignal;
  /**
   * Accepts a job. When this resolves, the queue has stored it.
   * @throws ServiceError `invalid-input`, `idempotency-key-reused`, `queue-full`, `quota-exceeded`
   */
  submit(submission: Submission): Promise<SubmittedJob>;
  /**
   * Submits, and resolves when the job is done, the time is over or the signal is aborted. Needs the scope `submit` alone.
   * @param seconds at most 50; more counts as 50
   * @throws ServiceError as `submit` does
   */
  submitAndWait(submission: Submission, seconds: number, signal: AbortSignal): Promise<SubmittedJob>;
  /** Resolves to undefined if there is no such job. */
  read(id: string, caller: Caller): Promise<Job | undefined>;
  /**
   * Reads a job, and resolves when it is done, the time is over or the signal is aborted.
   * @param seconds at most 50; more counts as 50
   */
  wait(id: string, caller: Caller, seconds: number, signal: AbortSignal): Promise<Job | undefined>;
  /**
   * Yields the job's current state, then each change in order, up to the final one.
   * @throws ServiceError `not-found`
   */
  watch(id: string, caller: Caller, signal: AbortSignal): AsyncGenerator<Job, void, void>;
  /**
   * Cancels a job. Doing it again makes no difference.
   * @param check may refuse, with an error, what the job is now
   * @returns the job as the cancellation left it: Canceled if it was Pending; Running if its worker has yet to end it
   * @throws ServiceError `not-found`, `not-cancelable`
   */
  cancel(id: string, caller: Caller, check?: (job: Job) => void): Promise<Job>;
  /**
   * Puts a failed or canceled job back into the queue, with all its attempts once more.
   * @param check may refuse, with an error, what the job is now
   * @returns the job as the retry left it, which is Pending
   * @throws ServiceError `not-found`, `not-retryable`
   */
  retry(id: string, caller: Caller, check?: (job: Job) => void): Promise<Job>;
  /**
   * Jobs that the caller may see, newest first: its own, and with the scope `admin` those of all callers. A page ends early after some
   * 2,000,000 characters of results.
   * @throws ServiceError `invalid-input`, for an unknown job type; `forbidden`, for another caller's jobs without the scope `admin`
   */
  list(request: JobPageRequest, caller: Caller): Promise<JobPage>;
  /**
   * Yields the state of each job that the caller may see and that matches, after each change and when it is added; a job that has left the
   * filter's statuses once. States that follow each other quickly are left out, never the last one. Returns early when changes may have
   * been missed.
   * @returns when changes arrive: a list that is read from then on, with these states applied to it, is complete
   * @throws ServiceError as `list` does
   */
  watchAll(filter: JobFilter, caller: Caller, signal: AbortSignal): Promise<AsyncGenerator<Job, void, void>>;
  /** The id of the caller that submitted a job; undefined if there is no such job. */
  ownerOf(id: string): Promise<string | undefined>;
  /** A job's input, as it was sent. */
  readInput(job: Job): Promise<unknown>;
  /** Files of jobs; undefined where no job type has any. */
  readonly files: Files | undefined;
  /**
   * Reserves an upload for an input, as `Files` does.
   * @throws ServiceError `not-found`, where no job type takes a file
   */
  createUpload: Files['createUpload'];
  /** A job's result as callers read it: with a URL for each file. A promise for a type with files alone. */
  showResult(job: SucceededJob, urls: Urls): unknown;
  /** The same for its input. */
  showInput(job: Job, input: unknown, urls: Urls): unknown;
  /** What changes in a result when nothing of its job does: the URLs of files. Undefined for a type without any. */
  resultVersion(job: Job): string | undefined;
  /** An access token with which its holder may read and cancel this job, and do nothing else. */
  accessToken(job: Pick<Job, 'id' | 'createdAt'>): Promise<string>;
  /** Seconds that a poller should wait, from 1 to 60; null when the job is done. */
  retryAfter(job: Job): number | null;
  /** About how many jobs workers take before a waiting one; null if that is not known. */
  queuePosition(job: Job): number | null;
  /**
   * Reads what a job made. Resolves to undefined if nothing has this id.
   * @throws ServiceError `not-found`, if the job type makes no resource; `service-unavailable`, if the read takes longer than 1.5 s
   */
  findResource(type: JobType, id: string, caller: Caller): Promise<unknown>;
}
