import { type Job, type SubmittedJob, isJob } from './job.ts';
import { parseRetryAfter, sleep } from './retry.ts';
import type { Reply, Transport } from './transport.ts';

/** For how long the server is asked to hold a reply back, when only the end of the job is waited for. */
const HOLD_SECONDS = 30;
/** Without a word of the server, and as a bound for one that would be asked all the time. */
const MIN_RETRY_AFTER_SECONDS = 1;
/** A reply that comes sooner was not held, whatever it says. */
const MIN_HELD_MS = 500;

export interface WatchPollOptions {
  /** Path of the job. */
  readonly path: string;
  readonly signal: AbortSignal | undefined;
  /** Whether states on the way are wanted too, and not the final one alone. */
  readonly progress: boolean;
}

/**
 * A job's states as the server tells them when it is asked, from the present one to the final one. The server is asked to hold
 * its reply back until the job is done (`Prefer: wait`, RFC 7240, section 4.3); where it does not, or where held replies get
 * lost, it is asked again after `Retry-After`, and never sooner.
 * @throws ProblemError, the network's error, or the signal's reason
 */
export async function* watchPoll(transport: Transport, options: WatchPollOptions): AsyncGenerator<Job, void> {
  const { path, signal, progress } = options;
  let holdSeconds = progress ? MIN_RETRY_AFTER_SECONDS : HOLD_SECONDS;
  for (;;) {
    const asked = performance.now();
    const reply = await transport.request('GET', `${path}?onComplete=status`, { signal, holdSeconds });
    const job = toJob(reply);
    yield job;
    if (job.done) return;
    const retryAfter = Math.max(parseRetryAfter(reply.headers) ?? job.retryAfter ?? 0, MIN_RETRY_AFTER_SECONDS);
    const wasHeld = reply.headers.has('Preference-Applied') && performance.now() - asked > MIN_HELD_MS;
    if (!wasHeld) await sleep(retryAfter * 1000, signal);
    // It may have been the holding that failed.
    if (reply.repeated) holdSeconds = 0;
    // As often as without holding, but with the end of the job as soon as it comes.
    if (progress && holdSeconds > 0) holdSeconds = Math.min(Math.ceil(retryAfter), HOLD_SECONDS);
  }
}

/** @throws Error if another server replied */
export function toJob<Type extends string>({ body, headers }: Reply): Job<Type> {
  // Which type it is of is the server's word, and the caller's who named the job.
  if (isJob(body)) return body as Job<Type>;
  throw new Error(`Expected a job of Accepted, and got something else as ${headers.get('Content-Type')}.`);
}

/** @throws Error if another server replied */
export function toSubmittedJob<Type extends string>(reply: Reply): SubmittedJob<Type> {
  // The server's word, as the rest of the job.
  return toJob<Type>(reply) as SubmittedJob<Type>;
}
