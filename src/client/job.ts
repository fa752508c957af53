/** Why a job did not succeed. */
export interface JobFailure {
  /** The cause as a stable code: one that the job type defines, or `JOB_FAILED`, `JOB_TIMEOUT`, `JOB_CANCELED`, … */
  readonly code: string;
  /** A sentence for callers. */
  readonly message: string;
}

/** An attempt that did not succeed. */
export interface JobAttempt {
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly error: JobFailure;
}

/** The fields that a job has in every status. Dates are RFC 3339 strings in UTC. */
export interface JobFields<Type extends string = string> {
  readonly id: string;
  /** Name of the job type. */
  readonly type: Type;
  /** Whether the job runs and was told to stop. */
  readonly cancelRequested: boolean;
  /** 0 to 100; 100 when the job has succeeded. */
  readonly percentComplete: number;
  /** The latest progress message. */
  readonly message: string | null;
  /** Attempts started so far. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly createdAt: string;
  readonly lastUpdatedAt: string;
  /** When the latest attempt started; null before the first one. */
  readonly startedAt: string | null;
  /** Null until the job is done. */
  readonly finishedAt: string | null;
  /** When the finished job is removed; null until it is done. */
  readonly expiresAt: string | null;
  /** The time before which it was to wait; null for a job without one, and after a retry. */
  readonly scheduledFor: string | null;
  /** If no attempt has begun by this time, the job ends with `JOB_EXPIRED`; null for a job without one, and after a retry. */
  readonly startBefore: string | null;
  /** 0 to 9: of the jobs of a type that one caller has waiting, those with a higher one run first. */
  readonly priority: number;
  /** Those of its submission. */
  readonly tags: readonly string[];
  /** About how many jobs workers take before this one; null where that is not known. */
  readonly queuePosition: number | null;
  /** The id of the caller that submitted the job, for admins; null for others. */
  readonly caller: string | null;
  /** The URL to poll. */
  readonly statusUrl: string;
  /** The URL of the result; null until the job has succeeded. */
  readonly resultUrl: string | null;
  /** The URL of the resource that the job created; null until the job has succeeded, or if its type has none. */
  readonly resourceUrl: string | null;
  /** Seconds a poller should wait; null when the job is done. */
  readonly retryAfter: number | null;
  /** The id of the trace of the submission (W3C Trace Context); null if it was not traced. */
  readonly traceId: string | null;
  /** The attempts that did not succeed, oldest first. */
  readonly history: readonly JobAttempt[];
}

/** A job that is not done: `Running`, or `Pending` before its first attempt and between attempts. */
export interface UnfinishedJob<Type extends string = string> extends JobFields<Type> {
  readonly status: 'Pending' | 'Running';
  readonly done: false;
  readonly error: null;
}

export interface SucceededJob<Type extends string = string> extends JobFields<Type> {
  readonly status: 'Succeeded';
  readonly done: true;
  readonly error: null;
}

export interface UnsuccessfulJob<Type extends string = string> extends JobFields<Type> {
  readonly status: 'Failed' | 'Canceled';
  readonly done: true;
  readonly error: JobFailure;
}

/** A job as the server returns it, discriminated by `status` and `done`. */
export type Job<Type extends string = string> = UnfinishedJob<Type> | SucceededJob<Type> | UnsuccessfulJob<Type>;

/** A submitted job. Its `accessToken` grants access to this one job, to read and cancel it, until it expires. */
export type SubmittedJob<Type extends string = string> = Job<Type> & { readonly accessToken: string };

/** Refers to a job: its id, or an object with its id and type, such as the job itself. The id alone does not tell the result's type. */
export type JobReference<Type extends string = string> = string | { readonly id: string; readonly type: Type };

const FINAL: Readonly<Record<Job['status'], boolean>> = {
  Pending: false,
  Running: false,
  Succeeded: true,
  Failed: true,
  Canceled: true,
};

/** Whether a reply is a job. It checks only enough fields to recognize the reply of another server, such as a proxy. */
export function isJob(value: unknown): value is Job {
  const { id, status, done, error }: Partial<Record<keyof Job, unknown>> = Object(value);
  if (typeof id !== 'string' || typeof status !== 'string' || !Object.hasOwn(FINAL, status)) return false;
  // `hasOwn` above has checked that the status is a key of FINAL.
  if (done !== FINAL[status as Job['status']]) return false;
  return status === 'Failed' || status === 'Canceled' ? typeof error === 'object' && error !== null : true;
}
