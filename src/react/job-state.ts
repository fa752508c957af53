import {
  type Job,
  JobNotSucceededError,
  type SucceededJob,
  type UnfinishedJob,
  type UnsuccessfulJob,
} from '../client/client.ts';

interface Progress {
  /** 0 to 100. */
  readonly percentComplete: number;
  /** The latest progress message. */
  readonly message: string | null;
}

/** What a page shows of a job, discriminated by `status`. */
export type JobState<Result = unknown, Type extends string = string> = Progress &
  (
    | {
        /** `Idle`: there is no job. `Loading`: its submission, or its first state, is on the way. */
        readonly status: 'Idle' | 'Loading';
        readonly job: undefined;
        readonly result: undefined;
        readonly error: undefined;
      }
    | {
        readonly status: 'Pending' | 'Running';
        readonly job: UnfinishedJob<Type>;
        readonly result: undefined;
        /** Why the last cancellation could not be requested. */
        readonly error: Error | undefined;
      }
    | {
        readonly status: 'Succeeded';
        readonly job: SucceededJob<Type>;
        readonly result: Result;
        readonly error: undefined;
      }
    | {
        readonly status: 'Failed' | 'Canceled';
        readonly job: UnsuccessfulJob<Type>;
        readonly result: undefined;
        readonly error: JobNotSucceededError;
      }
    | {
        /** A request failed. The job, if there is one, may go on. */
        readonly status: 'Error';
        /** The last state that was received. */
        readonly job: Job<Type> | undefined;
        readonly result: undefined;
        /** What the client threw: a `ProblemError` if the server refused the request, or the error of `fetch`. */
        readonly error: Error;
      }
  );

const NONE = { job: undefined, result: undefined, error: undefined, percentComplete: 0, message: null } as const;
export const IDLE = { ...NONE, status: 'Idle' } as const;
export const LOADING = { ...NONE, status: 'Loading' } as const;

export function toUnfinished<Type extends string>(job: UnfinishedJob<Type>): JobState<never, Type> {
  return { status: job.status, job, result: undefined, error: undefined, ...progressOf(job) };
}

export function toSucceeded<Result, Type extends string>(
  job: SucceededJob<Type>,
  result: Result,
): JobState<Result, Type> {
  return { status: 'Succeeded', job, result, error: undefined, ...progressOf(job) };
}

/**
 * The state after a call of the client has failed.
 * @param job the last state that was received
 */
export function toFailed<Type extends string>(thrown: unknown, job: Job<Type> | undefined): JobState<never, Type> {
  if (thrown instanceof JobNotSucceededError && job !== undefined && job.error !== null) {
    return { status: job.status, job, result: undefined, error: thrown, ...progressOf(job) };
  }
  return { status: 'Error', job, result: undefined, error: toError(thrown), ...progressOf(job) };
}

/** A `fetch` of the caller's may throw anything. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}

function progressOf(job: Job | undefined): Progress {
  return { percentComplete: job?.percentComplete ?? 0, message: job?.message ?? null };
}
