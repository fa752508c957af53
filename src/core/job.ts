/**
 * Terms of the pattern, used throughout the project.
 *
 * - **job type**: one kind of slow work: a name, an input schema, a result schema and the function that does it.
 * - **job**: one accepted request for work, with an unguessable id.
 * - **attempt**: one run of the function. Delivery is at least once, so a function must be safe to run again.
 * - **result**: the function's return value, valid by the result schema.
 * - **resource**: the thing the work made, with a URL of its own.
 * - **caller**: the submitter: an authenticated principal, or anonymous.
 * - **API**: GraphQL or REST. Both call the same service over the same queue.
 */
import { z } from 'zod';

/** `Pending` → `Running` → a final status. A job that waits for its next attempt is `Pending` again. */
export const jobStatusSchema = z.enum(['Pending', 'Running', 'Succeeded', 'Failed', 'Canceled']).meta({
  id: 'JobStatus',
  description:
    'Pending until it runs, and again while it waits for its next attempt. Succeeded, Failed and Canceled are final.',
});
/** @public */
export type JobStatus = z.output<typeof jobStatusSchema>;

/** Why a job did not succeed. Safe for callers: no stack and no internal message. */
export const jobFailureSchema = z
  .object({
    code: z.string().describe('The cause, such as JOB_FAILED or a code that the job type defines.'),
    message: z.string().describe('A sentence for callers.'),
  })
  .meta({ id: 'JobError', description: 'Why a job did not succeed.' });
export type JobFailure = z.output<typeof jobFailureSchema>;

/** The error of a canceled job. */
export const JOB_CANCELED: JobFailure = { code: 'JOB_CANCELED', message: 'The job was canceled.' };
/** The error of a job that expired before its first attempt. Its status is Canceled too. */
export const JOB_EXPIRED: JobFailure = {
  code: 'JOB_EXPIRED',
  message: 'No attempt of the job began before the time that its submission set.',
};

export const jobAttemptSchema = z
  .object({
    attempt: z.int().min(1).describe('Number of the attempt, from 1.'),
    startedAt: z.date(),
    finishedAt: z.date(),
    error: jobFailureSchema,
  })
  .meta({ id: 'JobAttempt', description: 'An attempt that did not succeed.' });
export type JobAttempt = z.output<typeof jobAttemptSchema>;

/** Where the ends of a job are told. */
export interface Webhook {
  readonly url: string;
  /** The base of the URLs in what is sent: that of the submission's request, or PUBLIC_URL. */
  readonly base: string;
}

/** What a submission asked for beside its input. A retry, which runs at once, drops both times. */
export interface JobOptions {
  /** The time before which it does not run. */
  readonly scheduledFor?: Date | undefined;
  /** If no attempt has begun by then, it ends as Canceled, with the code JOB_EXPIRED. */
  readonly startBefore?: Date | undefined;
  /** 1 to 9, of which the highest runs first. */
  readonly priority?: number | undefined;
  /** 1 to 10, all different. */
  readonly tags?: readonly string[] | undefined;
  /** Where its ends are told. A retry keeps it. */
  readonly webhook?: Webhook | undefined;
  /** While it waits for its first attempt, submissions with the same id get it. Not read back. */
  readonly deduplication?:
    | {
        readonly id: string;
        /** By the clock of the store. */
        readonly until?: Date | undefined;
        readonly mode: 'first' | 'last';
      }
    | undefined;
}

/** @param tag undefined: any job will do */
export function hasTag({ options }: Pick<JobBase, 'options'>, tag: string | undefined): boolean {
  return tag === undefined || options?.tags?.includes(tag) === true;
}

/** The fields that a job has in every status. */
export interface JobBase {
  readonly id: string;
  /** Name of the job type. */
  readonly type: string;
  /** Id of the caller that submitted it. */
  readonly caller: string;
  /** 0 to 100. */
  readonly percentComplete: number;
  /** The latest progress message. */
  readonly message: string | null;
  /** Attempts started so far, not counting those that a crash or shutdown interrupted. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly createdAt: Date;
  readonly lastUpdatedAt: Date;
  /** Undefined for a job without any. */
  readonly options?: JobOptions | undefined;
  /** Of the submission; undefined if it was not traced. */
  readonly traceId?: string | undefined;
  /** Whether its function has published output. */
  readonly hasOutput?: boolean;
  /** The latest 20 attempts that did not succeed, oldest first. A retry keeps them. */
  readonly history: readonly JobAttempt[];
}

interface FinishedJob extends JobBase {
  readonly startedAt: Date | null;
  readonly finishedAt: Date;
  /** When the job is removed. */
  readonly expiresAt: Date;
}

export interface PendingJob extends JobBase {
  readonly status: 'Pending';
  /** Start of the previous attempt; null before the first. */
  readonly startedAt: Date | null;
}
export interface RunningJob extends JobBase {
  readonly status: 'Running';
  /** Whether it was told to stop. */
  readonly cancelRequested?: boolean;
  readonly startedAt: Date;
}
export interface SucceededJob extends FinishedJob {
  readonly status: 'Succeeded';
  readonly result: unknown;
}
export interface UnsuccessfulJob extends FinishedJob {
  readonly status: 'Failed' | 'Canceled';
  readonly error: JobFailure;
}

export type Job = PendingJob | RunningJob | SucceededJob | UnsuccessfulJob;
export type DoneJob = SucceededJob | UnsuccessfulJob;

/** Whether a running job was told to stop. */
export function isCancelRequested(job: Job): boolean {
  return job.status === 'Running' && job.cancelRequested === true;
}

/** True when the status is final. */
export function isDone(job: Job): job is DoneJob {
  return job.status !== 'Pending' && job.status !== 'Running';
}
