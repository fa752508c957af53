import { z } from 'zod';
import type { JobType, ResultOf } from './define-job.ts';
import { type Job, isDone, jobAttemptSchema, jobFailureSchema, jobStatusSchema } from './job.ts';
import type { Urls } from './urls.ts';

/**
 * A job as both faces show it, but for the spelling of its status and its result. Its JSON, with the dates as `JSON.stringify`
 * writes them, is what REST sends, and what the OpenAPI document describes.
 */
export const jobViewSchema = z
  .object({
    id: z.string().describe('Opaque, and the same on both faces.'),
    type: z.string().describe('The name of the job type.'),
    status: jobStatusSchema,
    done: z.boolean().describe('Whether the status is final.'),
    percentComplete: z.int().min(0).max(100).describe('100 when the job has succeeded.'),
    message: z.string().nullable().describe('The last progress message.'),
    attempt: z.int().min(0).describe('Attempts started so far.'),
    maxAttempts: z.int().min(1).describe('The most attempts there will be.'),
    createdAt: z.date(),
    lastUpdatedAt: z.date(),
    startedAt: z.date().nullable().describe('When the last attempt started; null before the first one.'),
    finishedAt: z.date().nullable().describe('Null until the job is done.'),
    expiresAt: z.date().nullable().describe('When the finished job is forgotten; null until it is done.'),
    error: jobFailureSchema.nullable().describe('Why the job failed or was canceled; null in any other status.'),
    statusUrl: z.url().describe('Where to poll.'),
    resultUrl: z.url().nullable().describe('Where the result is; null until the job has succeeded.'),
    resourceUrl: z
      .url()
      .nullable()
      .describe('What the work made; null until the job has succeeded, or if there is none.'),
    retryAfter: z.int().min(1).nullable().describe('Seconds a poller should wait; null when the job is done.'),
    history: z.array(jobAttemptSchema).describe('The attempts that did not succeed, oldest first; a retry keeps them.'),
  })
  .meta({ id: 'Job', description: 'A job as it is now.' });

export type JobView = Readonly<z.output<typeof jobViewSchema>>;

/** @param retryAfter seconds a poller should wait; null when the job is done */
export function toJobView(job: Job, type: JobType | undefined, urls: Urls, retryAfter: number | null): JobView {
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
    retryAfter,
    history: [...job.history],
  };
}

function resourceUrl(type: JobType | undefined, result: unknown, urls: Urls): string | null {
  if (type?.resource === undefined) return null;
  try {
    // The worker stored what the type's schema had made of the result.
    return urls.resource(type.collection, type.resource.idOf(result as ResultOf<JobType>));
  } catch {
    // It was stored by an earlier version of the type.
    return null;
  }
}
