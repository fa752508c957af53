import type { JobType, ResultOf } from './define-job.ts';
import { type Job, type JobBase, type JobFailure, type JobStatus, isDone } from './job.ts';
import type { Urls } from './urls.ts';

/** Seconds a poller should wait. */
const RETRY_AFTER_SECONDS = 1;

/** A job as both faces show it, but for the spelling of its status and its result. */
export interface JobView extends JobBase {
  readonly status: JobStatus;
  readonly done: boolean;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly expiresAt: Date | null;
  readonly error: JobFailure | null;
  readonly statusUrl: string;
  readonly resultUrl: string | null;
  readonly resourceUrl: string | null;
  /** Seconds a poller should wait; null when done. */
  readonly retryAfter: number | null;
}

export function toJobView(job: Job, type: JobType, urls: Urls): JobView {
  const done = isDone(job);
  const succeeded = job.status === 'Succeeded';
  return {
    id: job.id,
    type: job.type,
    status: job.status,
    done,
    percentComplete: job.percentComplete,
    message: job.message,
    attempt: job.attempt,
    maxAttempts: job.maxAttempts,
    createdAt: job.createdAt,
    lastUpdatedAt: job.lastUpdatedAt,
    startedAt: job.startedAt,
    finishedAt: done ? job.finishedAt : null,
    expiresAt: done ? job.expiresAt : null,
    error: done && !succeeded ? job.error : null,
    statusUrl: urls.job(job.id),
    resultUrl: succeeded ? urls.result(job.id) : null,
    resourceUrl: succeeded ? resourceUrl(type, job.result, urls) : null,
    retryAfter: done ? null : RETRY_AFTER_SECONDS,
  };
}

function resourceUrl({ resource, collection }: JobType, result: unknown, urls: Urls): string | null {
  if (resource === undefined) return null;
  try {
    // The worker stored what the type's schema had made of the result.
    return urls.resource(collection, resource.idOf(result as ResultOf<JobType>));
  } catch {
    // It was stored by an earlier version of the type.
    return null;
  }
}
