import type { JobFailure } from '../core/job.ts';
import type { JobView } from '../core/job-view.ts';

/** A value as JSON carries it: times are texts by RFC 3339, in UTC. */
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

/** A job that is not done: `Pending`, also while it waits for its next attempt, or `Running`. */
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

/** A job as the server shows it. `status` and `done` tell the three kinds apart. */
export type Job<Name extends string = string> = UnfinishedJob<Name> | SucceededJob<Name> | UnsuccessfulJob<Name>;

/** A job that was just handed in, with a key with which whoever has it can read and cancel this one job, until it expires. */
export type SubmittedJob<Name extends string = string> = Job<Name> & { readonly accessToken: string };

const FINAL: Readonly<Record<Job['status'], boolean>> = {
  Pending: false,
  Running: false,
  Succeeded: true,
  Failed: true,
  Canceled: true,
};

/** Whether a reply is a job. What is not may come from another server: the contract vouches for the rest. */
export function isJob(value: unknown): value is Job {
  const { id, status, done, error }: Partial<Record<keyof Job, unknown>> = Object(value);
  if (typeof id !== 'string' || typeof status !== 'string' || !Object.hasOwn(FINAL, status)) return false;
  // It is one of the table's own keys.
  if (done !== FINAL[status as Job['status']]) return false;
  return status === 'Failed' || status === 'Canceled' ? typeof error === 'object' && error !== null : true;
}
