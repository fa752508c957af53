import { type Job, type SubmittedJob, isJob } from './job.ts';
import { parseRetryAfter, sleep } from './retry.ts';
import type { Reply, Transport } from './transport.ts';

/** Seconds for which the server may hold a reply if only the final state is wanted. */
const HOLD_SECONDS = 30;
/** The least time between two polls, also if the server sends no `Retry-After` or a shorter one. */
const MIN_RETRY_AFTER_SECONDS = 1;
/** A reply that arrives sooner was not held, even if its header claims so. */
const MIN_HELD_MS = 500;

export interface WatchPollOptions {
  /** Path of the job. */
  readonly path: string;
  readonly signal: AbortSignal | undefined;
  /** Whether intermediate states are wanted, rather than only the final one. */
  readonly progress: boolean;
}

/**
 * Polls a job and yields its states, from the current one to the final one. Each poll asks the server to hold its reply until the job
 * is done (`Prefer: wait`, RFC 7240, section 4.3). If the server does not hold it, or a held reply is lost, polls are at least
 * `Retry-After` apart.
 * @throws ProblemError; the error of `fetch`; the signal's reason
 */
export async function* watchPoll(transport: Transport, options: WatchPollOptions): AsyncGenerator<Job, void> {
  const { path, signal, progress } = options;
  let holdSeconds = progress ? MIN_RETRY_AFTER_SECONDS : HOLD_SECONDS;
  for (;;) {
    const sentAt = performance.now();
    const reply = await transport.request('GET', `${path}?onComplete=status`, { signal, holdSeconds });
    const job = toJob(reply);
    yield job;
    if (job.done) return;
    const retryAfter = Math.max(parseRetryAfter(reply.headers) ?? job.retryAfter ?? 0, MIN_RETRY_AFTER_SECONDS);
    const wasHeld = reply.headers.has('Preference-Applied') && performance.now() - sentAt > MIN_HELD_MS;
    if (!wasHeld) await sleep(retryAfter * 1000, signal);
    // The first attempt may have failed because a proxy does not allow held replies.
    if (reply.repeated) holdSeconds = 0;
    // Intermediate states arrive as often as without a hold, and the final one at once.
    if (progress && holdSeconds > 0) holdSeconds = Math.min(Math.ceil(retryAfter), HOLD_SECONDS);
  }
}

/** @throws Error if the reply is not a job, so that another server must have sent it */
export function toJob<Type extends string>({ body, headers }: Reply): Job<Type> {
  // The server and the caller vouch for the type of the job.
  if (isJob(body)) return body as Job<Type>;
  throw new Error(
    `Expected a job from Accepted, but received another body (Content-Type: ${headers.get('Content-Type')}).`,
  );
}

/** @throws Error if the reply is not a job, so that another server must have sent it */
export function toSubmittedJob<Type extends string>(reply: Reply): SubmittedJob<Type> {
  // The API's contract adds the token to each submission's reply.
  return toJob<Type>(reply) as SubmittedJob<Type>;
}
