import { useCallback, useEffect, useState } from 'react';
import type { Client, Job, JobReference, JobTypeMap, Name, UnfinishedJob } from '../client/client.ts';
import { isJob } from '../client/job.ts';
import { IDLE, type JobState, LOADING, toError, toFailed, toSucceeded, toUnfinished } from './job-state.ts';

export interface UseJobOptions {
  /** The access token that a submission returned. It is sent instead of the client's own credentials. */
  readonly accessToken?: string | undefined;
}

/** The state of a job, with the function that cancels it. */
export type FollowedJob<Result = unknown, Type extends string = string> = JobState<Result, Type> & {
  /**
   * Requests the cancellation of the job, which shows as the status `Canceled`. If it cannot be requested, `error` says why. Does
   * nothing without a job.
   */
  readonly cancel: () => void;
};

/**
 * Follows a job until it is done or the component is unmounted, over one connection for each call. Create the client outside of the
 * component: another client starts over, as another job does.
 * @param job a job, its id, or both its id and type; null or undefined while there is none
 */
export function useJob<Types extends JobTypeMap<Types>, Type extends Name<Types>>(
  client: Client<Types>,
  job: JobReference<Type> | null | undefined,
  { accessToken }: UseJobOptions = {},
): FollowedJob<Types[Type]['result'], Type> {
  const state = useFollow(client, job, accessToken);
  const { refusal, cancel } = useCancel(client, accessToken);
  const id = typeof job === 'string' ? job : job?.id;
  return {
    ...withRefusal(state, refusal),
    cancel: useCallback(() => {
      if (id !== undefined) cancel(id);
    }, [cancel, id]),
  };
}

/** The state of the job in the latest render; never that of an earlier job. */
export function useFollow<Types extends JobTypeMap<Types>, Type extends Name<Types>>(
  client: Client<Types>,
  job: JobReference<Type> | null | undefined,
  accessToken?: string,
): JobState<Types[Type]['result'], Type> {
  type State = JobState<Types[Type]['result'], Type>;
  const [seen, setSeen] = useState<{ client: Client<Types>; id: string; state: State }>();
  const id = typeof job === 'string' ? job : job?.id;

  useEffect(() => {
    if (id === undefined) return undefined;
    const stop = new AbortController();
    const { signal } = stop;
    const show = (state: State): void => {
      // One chunk of the stream may hold several states, which arrive after the abort.
      if (!signal.aborted) setSeen({ client, id, state });
    };
    const follow = async (): Promise<void> => {
      let last: Job<Type> | undefined;
      const onProgress = (state: Job<Type>): void => {
        last = state;
        if (!state.done) show(toUnfinished(state));
      };
      try {
        const result = await client.wait<Type>(id, { accessToken, signal, onProgress });
        if (last?.status === 'Succeeded') show(toSucceeded(last, result));
      } catch (error) {
        show(toFailed(error, last));
      }
    };
    void follow();
    // React's strict mode runs the effect twice; the client requests nothing when it is aborted at once.
    return () => stop.abort();
  }, [client, id, accessToken]);

  if (id === undefined) return IDLE;
  if (seen?.id === id && seen.client === client) return seen.state;
  // `isJob` knows nothing of the type that the reference has.
  return isJob(job) && !job.done ? toUnfinished(job as UnfinishedJob<Type>) : LOADING;
}

/** Why the cancellation of a job could not be requested. */
export interface Refusal {
  readonly id: string;
  readonly error: Error;
}

export interface Cancellation {
  /** Of the last request, if it failed. */
  readonly refusal: Refusal | undefined;
  readonly cancel: (id: string) => void;
}

export function useCancel<Types extends JobTypeMap<Types>>(client: Client<Types>, accessToken?: string): Cancellation {
  const [refusal, setRefusal] = useState<Refusal>();
  const cancel = useCallback(
    (id: string) => {
      setRefusal(undefined);
      // It is not aborted with the component, because the job would go on.
      client.cancel(id, { accessToken }).catch((error: unknown) => setRefusal({ id, error: toError(error) }));
    },
    [client, accessToken],
  );
  return { refusal, cancel };
}

/** The end of a job matters more than why it could not be canceled before. */
export function withRefusal<Result, Type extends string>(
  state: JobState<Result, Type>,
  refusal: Refusal | undefined,
): JobState<Result, Type> {
  const isUnfinished = state.status === 'Pending' || state.status === 'Running';
  return isUnfinished && refusal?.id === state.job.id ? { ...state, error: refusal.error } : state;
}
