import type { ProblemError } from './errors.ts';
import type { Job, JobFailure } from './job.ts';
import { readLines } from './lines.ts';
import { unexpected } from './watch-poll.ts';
import type { Reply, Transport } from './transport.ts';

/** The jobs that one call of `submitMany` submitted. Dates are RFC 3339 strings in UTC. */
export interface Batch<Type extends string = string> {
  readonly id: string;
  /** Name of the job type. */
  readonly type: Type;
  /** The tag that its jobs share, by which lists can be filtered. */
  readonly tag: string;
  readonly createdAt: string;
  /** How many jobs it has; those that have expired no longer count. */
  readonly total: number;
  readonly counts: {
    readonly pending: number;
    readonly running: number;
    readonly succeeded: number;
    readonly failed: number;
    readonly canceled: number;
  };
  /** Whether all of its jobs are done. */
  readonly done: boolean;
  /** The share of its jobs that are done, rounded down. */
  readonly percentComplete: number;
  readonly statusUrl: string;
  readonly resultsUrl: string;
  /** Seconds a poller should wait; null when all jobs are done. */
  readonly retryAfter: number | null;
}

/** What became of one input: a job, or what is wrong with it. */
export interface BatchItem<Type extends string = string> {
  /** Of the input, from 0. */
  readonly index: number;
  readonly job?: Job<Type>;
  /** As of a `ProblemError`; the pointers begin at the input. */
  readonly error?: Pick<ProblemError, 'type' | 'title' | 'status'> & Partial<Pick<ProblemError, 'detail' | 'errors'>>;
}

export interface SubmittedBatch<Type extends string = string> extends Batch<Type> {
  /** One for each input, in their order. */
  readonly items: readonly BatchItem<Type>[];
}

/** A job of a batch, with its result, or with the error of a job that has none. */
export type BatchResult<Result = unknown> = {
  /** Of the input, from 0. */
  readonly index: number;
  /** The job's id. */
  readonly id: string;
} & (
  | { readonly status: 'Succeeded'; readonly result: Result }
  | { readonly status: 'Failed' | 'Canceled'; readonly error: JobFailure }
  | { readonly status: 'Pending' | 'Running' }
);

/** Refers to a batch: its id, or an object with its id and type, such as the batch itself. */
export type BatchReference<Type extends string = string> = string | { readonly id: string; readonly type: Type };

/** @throws Error if the reply is not a batch, so that another server must have sent it */
export function toBatch<Type extends string>(reply: Reply): SubmittedBatch<Type> {
  const { counts }: Partial<Batch> = Object(reply.body);
  // The server and the caller vouch for the rest.
  if (counts) return reply.body as SubmittedBatch<Type>;
  throw unexpected(reply);
}

/**
 * Yields the results of a batch as they arrive.
 * @throws ProblemError; the error of `fetch`; the signal's reason
 */
export function readResults(
  transport: Transport,
  path: string,
  options: { readonly signal: AbortSignal | undefined; readonly silenceSeconds: number },
): AsyncGenerator<BatchResult, void> {
  return readLines<BatchResult>(transport, {
    ...options,
    pathAfter: () => path,
    placeOf: ({ index }) => index,
    last: -1,
  });
}
