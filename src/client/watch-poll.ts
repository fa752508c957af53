import { type SubmittedJob, isJob } from './job.ts';
import { parseRetryAfter, sleep } from './retry.ts';
import type { Reply, Transport } from './transport.ts';

/** Seconds for which the server may hold a reply if only the final state is wanted. */
const HOLD_SECONDS = 30;
/** The least time between two polls, also if the server sends no `Retry-After` or a shorter one. */
const MIN_RETRY_AFTER_SECONDS = 1;
/** A reply that arrives sooner was not held, even if its header claims so. */
const MIN_HELD_MS = 500;

/** What is followed: a job or a batch. */
interface State {
  readonly done: boolean;
  readonly retryAfter: number | null;
}

export interface WatchPollOptions<Followed extends State> {
  readonly path: string;
  /** @throws Error if the reply is something else */
  readonly toState: (reply: Reply) => Followed;
  readonly signal: AbortSignal | undefined;
  /** Whether intermediate states are wanted, rather than only the final one. */
  readonly progress: boolean;
}

/**
 * Polls a job or a batch and yields its states, from the current one to the final one. Each poll asks the server to hold its reply until it
 * is done (`Prefer: wait`, RFC 7240, section 4.3). If the server does not hold it, or a held reply is lost, polls are at least
 * `Retry-After` apart.
 * @throws ProblemError; the error of `fetch`; the signal's reason
 */
export async function* watchPoll<Followed extends State>(
  transport: Transport,
  { path, toState, signal, progress }: WatchPollOptions<Followed>,
): AsyncGenerator<Followed, void> {
  let holdSeconds = progress ? MIN_RETRY_AFTER_SECONDS : HOLD_SECONDS;
  for (;;) {
    const sentAt = performance.now();
    const reply = await transport.request('GET', path, { signal, holdSeconds });
    const state = toState(reply);
    yield state;
    if (state.done) return;
    const retryAfter = Math.max(parseRetryAfter(reply.headers) ?? state.retryAfter ?? 0, MIN_RETRY_AFTER_SECONDS);
    const wasHeld = reply.headers.has('Preference-Applied') && performance.now() - sentAt > MIN_HELD_MS;
    if (!wasHeld) await sleep(retryAfter * 1000, signal);
    // The first attempt may have failed because a proxy does not allow held replies.
    if (reply.repeated) holdSeconds = 0;
    // Intermediate states arrive as often as without a hold, and the final one at once.
    if (progress && holdSeconds > 0) holdSeconds = Math.min(Math.ceil(retryAfter), HOLD_SECONDS);
  }
}

/** @throws Error if the reply is not a job, so that another server must have sent it */
export function toJob<Type extends string>(reply: Reply): SubmittedJob<Type> {
  // The server and the caller vouch for the type of the job. The API's contract adds the token to each submission's reply.
  if (isJob(reply.body)) return reply.body as SubmittedJob<Type>;
  throw unexpected(reply);
}

/** The error for a reply of another server. */
export function unexpected({ headers }: Reply): Error {
  return new Error(`The reply is not from Accepted (Content-Type: ${headers.get('Content-Type')}).`);
}
