import type { JobFailure } from '../core/job.ts';
import type { JobView } from '../core/job-view.ts';

/** A value after JSON serialization: dates become RFC 3339 strings in UTC. */
type Json<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? readonly Json<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]: Json<T[Key]> }
      : T;

type JobFields<Name extends string> = Omit<Json<JobView>, 'type'> & {
  /** Name of the job type. */
  readonly type: Name;
};

/** A job that is not done: `Running`, or `Pending` before its first attempt and between attempts. */
export type UnfinishedJob<Name extends string = string> = JobFields<Name> & {
  readonly status: 'Pending' | 'Running';
  readonly done: false;
  readonly error: null;
};

export type SucceededJob<Name extends string = string> = JobFields<Name> & {
  readonly status: 'Succeeded';
  readonly done: true;
  readonly error: null;
};

export type UnsuccessfulJob<Name extends string = string> = JobFields<Name> & {
  readonly status: 'Failed' | 'Canceled';
  readonly done: true;
  readonly error: JobFailure;
};

/** A job as the server returns it, discriminated by `status` and `done`. */
export type Job<Name extends string = string> = UnfinishedJob<Name> | SucceededJob<Name> | UnsuccessfulJob<Name>;

/** A submitted job. Its `accessToken` grants access to this one job, to read and cancel it, until it expires. */
export type SubmittedJob<Name extends string = string> = Job<Name> & { readonly accessToken: string };

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
