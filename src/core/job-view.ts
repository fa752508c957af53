import { z } from 'zod';
import type { JobType, ResultOf } from './define-job.ts';
import {
  type Job,
  type SucceededJob,
  isCancelRequested,
  isDone,
  jobAttemptSchema,
  jobFailureSchema,
  jobStatusSchema,
} from './job.ts';
import type { Urls } from './urls.ts';

/**
 * A job as both APIs show it, except for its result and the spelling of its status. REST sends its JSON, with dates as
 * `JSON.stringify` writes them, and the OpenAPI document describes it.
 */
export const jobViewSchema = z
  .object({
    id: z.string().describe('Opaque, and the same on both APIs.'),
    type: z.string().describe('The name of the job type.'),
    status: jobStatusSchema,
    done: z.boolean().describe('Whether the status is final.'),
    cancelRequested: z.boolean().describe('Whether the running job was told to stop.'),
    percentComplete: z.int().min(0).max(100).describe('100 when the job has succeeded.'),
    message: z.string().nullable().describe('The latest progress message.'),
    attempt: z.int().min(0).describe('Attempts started so far.'),
    maxAttempts: z.int().min(1).describe('Maximum number of attempts.'),
    createdAt: z.date(),
    lastUpdatedAt: z.date(),
    startedAt: z.date().nullable().describe('When the latest attempt started; null before the first one.'),
    finishedAt: z.date().nullable().describe('Null until the job is done.'),
    expiresAt: z.date().nullable().describe('When the finished job is removed; null until it is done.'),
    scheduledFor: z.date().nullable().describe('The time before which it was to wait; null for a job without one.'),
    startBefore: z
      .date()
      .nullable()
      .describe('If no attempt has begun by this time, the job ends with JOB_EXPIRED; null for a job without one.'),
    priority: z
      .int()
      .min(0)
      .max(9)
      .describe('Of the jobs of a type that one caller has waiting, those with a higher one run first.'),
    tags: z.array(z.string()).describe('Those of its submission.'),
    queuePosition: z
      .int()
      .min(0)
      .nullable()
      .describe(
        'About how many jobs workers take before this one; null where that is not known: beyond the first 1,000, and for a job that does not wait for a worker.',
      ),
    caller: z.string().nullable().describe('The id of the caller that submitted the job, for admins; null for others.'),
    error: jobFailureSchema.nullable().describe('Why the job failed or was canceled; null in any other status.'),
    statusUrl: z.url().describe('The URL to poll.'),
    resultUrl: z.url().nullable().describe('The URL of the result; null until the job has succeeded.'),
    resourceUrl: z
      .url()
      .nullable()
      .describe(
        'The URL of the resource that the job created; null until the job has succeeded, or if its type has none.',
      ),
    retryAfter: z.int().min(1).nullable().describe('Seconds a poller should wait; null when the job is done.'),
    traceId: z
      .string()
      .nullable()
      .describe('The id of the trace of the submission (W3C Trace Context); null if it was not traced.'),
    history: z.array(jobAttemptSchema).describe('The attempts that did not succeed, oldest first; a retry keeps them.'),
  })
  .meta({ id: 'Job', description: 'The current state of a job.' });

export type JobView = Readonly<z.output<typeof jobViewSchema>>;

export interface JobViewOptions {
  readonly job: Job;
  /** Undefined for one that was removed. */
  readonly type: JobType | undefined;
  readonly urls: Urls;
  /** Seconds that a poller should wait; null when the job is done. */
  readonly retryAfterOf: (job: Job) => number | null;
  /** Jobs before it, if that is known. */
  readonly queuePositionOf: (job: Job) => number | null;
  /** Whether the reader may know who submitted the job. */
  readonly showsCaller: boolean;
}

/** Computes each field on access: a GraphQL reply may show few of them, and `resourceUrl` parses a result that may be large. */
export class LazyJobView implements JobView {
  readonly job: Job;
  readonly #type: JobType | undefined;
  readonly #urls: Urls;
  readonly #retryAfterOf: (job: Job) => number | null;
  readonly #queuePositionOf: (job: Job) => number | null;
  readonly #showsCaller: boolean;

  constructor({ job, type, urls, retryAfterOf, queuePositionOf, showsCaller }: JobViewOptions) {
    this.job = job;
    this.#type = type;
    this.#urls = urls;
    this.#retryAfterOf = retryAfterOf;
    this.#queuePositionOf = queuePositionOf;
    this.#showsCaller = showsCaller;
  }

  get id(): string {
    return this.job.id;
  }
  get type(): string {
    return this.job.type;
  }
  get status(): JobView['status'] {
    return this.job.status;
  }
  get done(): boolean {
    return isDone(this.job);
  }
  get cancelRequested(): boolean {
    return isCancelRequested(this.job);
  }
  get percentComplete(): number {
    return this.job.percentComplete;
  }
  get message(): string | null {
    return this.job.message;
  }
  get attempt(): number {
    return this.job.attempt;
  }
  get maxAttempts(): number {
    return this.job.maxAttempts;
  }
  get createdAt(): Date {
    return this.job.createdAt;
  }
  get lastUpdatedAt(): Date {
    return this.job.lastUpdatedAt;
  }
  get startedAt(): Date | null {
    return this.job.startedAt;
  }
  get finishedAt(): Date | null {
    return isDone(this.job) ? this.job.finishedAt : null;
  }
  get expiresAt(): Date | null {
    return isDone(this.job) ? this.job.expiresAt : null;
  }
  get scheduledFor(): Date | null {
    return this.job.options?.scheduledFor ?? null;
  }
  get startBefore(): Date | null {
    return this.job.options?.startBefore ?? null;
  }
  get priority(): number {
    return this.job.options?.priority ?? 0;
  }
  get tags(): string[] {
    return [...(this.job.options?.tags ?? [])];
  }
  get queuePosition(): number | null {
    return this.#queuePositionOf(this.job);
  }
  get caller(): string | null {
    return this.#showsCaller ? this.job.caller : null;
  }
  get error(): JobView['error'] {
    return 'error' in this.job ? this.job.error : null;
  }
  get statusUrl(): string {
    return this.#urls.job(this.job.id);
  }
  get resultUrl(): string | null {
    return this.job.status === 'Succeeded' ? this.#urls.result(this.job.id) : null;
  }
  get resourceUrl(): string | null {
    const { job } = this;
    return job.status === 'Succeeded' ? resourceUrl(this.#type, job, this.#urls) : null;
  }
  get retryAfter(): number | null {
    return this.#retryAfterOf(this.job);
  }
  get traceId(): string | null {
    return this.job.traceId ?? null;
  }
  get history(): JobView['history'] {
    return [...this.job.history];
  }
}

function resourceUrl(type: JobType | undefined, job: SucceededJob, urls: Urls): string | null {
  if (type?.resource === undefined) return null;
  try {
    // The worker stored a result that the type's schema had parsed.
    return urls.resource(type.collection, type.resource.idOf(job.result as ResultOf<JobType>));
  } catch {
    // An earlier version of the job type may have stored a result of another shape.
    return null;
  }
}
