import { useCallback, useEffect, useRef, useState } from 'react';
import {
  type Client,
  type Job,
  type JobTypeMap,
  type Name,
  ProblemError,
  type SubmitOptions,
} from '../client/client.ts';
import { newIdempotencyKey } from '../client/idempotency-key.ts';
import { IDLE, type JobState, LOADING, toFailed } from './job-state.ts';
import { type StoredSubmission, storeSubmission, useStoredSubmission } from './stored-submission.ts';
import { type FollowedJob, useCancel, useFollow, withRefusal } from './use-job.ts';

export interface UseSubmitOptions {
  /**
   * A name under which `sessionStorage` keeps the submission, so that it survives a reload of the page: the hook then follows the same
   * job. If the page is reloaded before the server has replied, the submission is sent again with its idempotency key, which creates
   * no second job. Unique among the hooks of a page that submit the same job type.
   * @default none: a reload forgets the job, which goes on
   */
  readonly resumeKey?: string | undefined;
}

/** The state of the latest submission's job, with functions to submit, cancel and forget it. All of them can be event handlers. */
export type SubmittableJob<Input = unknown, Result = unknown, Type extends string = string> = FollowedJob<
  Result,
  Type
> & {
  /** Submits a job and follows it, in place of an earlier one, which goes on. What fails shows as `error`. */
  readonly submit: (input: Input, options?: Omit<SubmitOptions, 'signal'>) => void;
  /** Forgets the submission, so that the state is `Idle` again. The job goes on. */
  readonly reset: () => void;
};

/** A submission whose reply is awaited or was received. */
interface Attempt {
  readonly storageKey: string | undefined;
  cancelRequested: boolean;
}

type Submission<Type extends string> =
  | { readonly kind: 'none' | 'sent' }
  | { readonly kind: 'accepted'; readonly job: Pick<Job<Type>, 'id' | 'type'> }
  | { readonly kind: 'refused'; readonly error: unknown };

const NONE = { kind: 'none' } as const;
const SENT = { kind: 'sent' } as const;
const GONE: ReadonlySet<number> = new Set([404, 410]);

/** Submits jobs of one type, and follows the latest one until it is done or the component is unmounted. */
export function useSubmit<Types extends JobTypeMap<Types>, Type extends Name<Types>>(
  client: Client<Types>,
  type: Type,
  { resumeKey }: UseSubmitOptions = {},
): SubmittableJob<Types[Type]['input'], Types[Type]['result'], Type> {
  type Input = Types[Type]['input'];
  const storageKey = resumeKey === undefined ? undefined : `accepted:${type}:${resumeKey}`;
  const stored = useStoredSubmission(storageKey);
  const [own, setOwn] = useState<{ storageKey: string | undefined; submission: Submission<Type> }>();
  const latest = useRef<Attempt | undefined>(undefined);
  const submission = own !== undefined && own.storageKey === storageKey ? own.submission : toSubmission(stored, type);
  const job = submission.kind === 'accepted' ? submission.job : undefined;
  const followed = useFollow(client, job);
  const { refusal, cancel: cancelJob } = useCancel(client);

  const submit = useCallback(
    (input: Input, { idempotencyKey = newIdempotencyKey(), ...options }: Omit<SubmitOptions, 'signal'> = {}) => {
      const attempt: Attempt = { storageKey, cancelRequested: false };
      latest.current = attempt;
      const show = (next: Submission<Type>, toStore: StoredSubmission | undefined): void => {
        if (latest.current !== attempt) return;
        storeSubmission(storageKey, toStore);
        setOwn({ storageKey, submission: next });
      };
      const send = async (): Promise<void> => {
        show(SENT, { idempotencyKey, input, options });
        try {
          // It is not aborted with the component, because the server may already have accepted it.
          const accepted = await client.submit(type, input, { ...options, idempotencyKey });
          if (attempt.cancelRequested) cancelJob(accepted.id);
          show({ kind: 'accepted', job: accepted }, { id: accepted.id });
        } catch (error) {
          show({ kind: 'refused', error }, undefined);
        }
      };
      void send();
    },
    [client, type, storageKey, cancelJob],
  );

  const id = job?.id;
  const cancel = useCallback(() => {
    if (id !== undefined) cancelJob(id);
    // Whether the server accepts the job is not known yet.
    else if (latest.current !== undefined) latest.current.cancelRequested = true;
  }, [id, cancelJob]);

  const reset = useCallback(() => {
    latest.current = undefined;
    storeSubmission(storageKey, undefined);
    setOwn({ storageKey, submission: NONE });
  }, [storageKey]);

  useEffect(() => {
    // React's strict mode runs the effect twice.
    const isOwn = latest.current !== undefined && latest.current.storageKey === storageKey;
    // The server refuses an input that the job type no longer takes.
    if (stored && 'input' in stored && !isOwn)
      submit(stored.input, { ...stored.options, idempotencyKey: stored.idempotencyKey });
  }, [stored, storageKey, submit]);

  /** A resumed job may have expired. */
  const isGone = storageKey !== undefined && followed.error instanceof ProblemError && GONE.has(followed.error.status);
  useEffect(() => {
    if (isGone) storeSubmission(storageKey, undefined);
  }, [isGone, storageKey]);

  const state = isGone ? IDLE : stateOf(submission, followed);
  return { ...withRefusal(state, refusal), submit, cancel, reset };
}

function toSubmission<Type extends string>(stored: StoredSubmission | undefined, type: Type): Submission<Type> {
  if (stored === undefined) return NONE;
  return 'id' in stored ? { kind: 'accepted', job: { id: stored.id, type } } : SENT;
}

function stateOf<Result, Type extends string>(
  submission: Submission<Type>,
  followed: JobState<Result, Type>,
): JobState<Result, Type> {
  if (submission.kind === 'sent') return LOADING;
  return submission.kind === 'refused' ? toFailed(submission.error, undefined) : followed;
}
