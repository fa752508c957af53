import type { Job, SucceededJob, UnsuccessfulJob } from './job.ts';
import type { Transport } from './transport.ts';
import { toJob, watchPoll } from './watch-poll.ts';
import { watchStream } from './watch-stream.ts';

export interface WaitUntilDoneOptions<Type extends string> {
  /** Path of the job. */
  readonly path: string;
  readonly signal: AbortSignal | undefined;
  readonly silenceSeconds: number;
  readonly onProgress: ((job: Job<Type>) => void) | undefined;
}

type DoneJob<Type extends string> = SucceededJob<Type> | UnsuccessfulJob<Type>;

/** Resolves to the final state of a job, and reports each change on the way. */
export async function waitUntilDone<Type extends string>(
  transport: Transport,
  options: WaitUntilDoneOptions<Type>,
): Promise<DoneJob<Type>> {
  // The caller vouches for the type of the job.
  return lastOf(watch(transport, options) as AsyncIterable<Job<Type>>, options.onProgress) as Promise<DoneJob<Type>>;
}

/**
 * Resolves to the final state of a job or a batch, and reports each change on the way.
 * @param states up to the final one
 */
export async function lastOf<State>(
  states: AsyncIterable<State>,
  onProgress: ((state: State) => void) | undefined,
): Promise<State> {
  let last: State | undefined;
  let lastText = '';
  for await (const state of states) {
    // A reconnected stream or a poll may repeat a state.
    const text = JSON.stringify({ ...state, retryAfter: null });
    if (text !== lastText) onProgress?.(state);
    lastText = text;
    last = state;
  }
  // There is one, because they end with the final state or throw.
  return last as State;
}

/** Yields states from the event stream, and continues with polls if the stream is unavailable. */
async function* watch<Type extends string>(
  transport: Transport,
  options: WaitUntilDoneOptions<Type>,
): AsyncGenerator<Job, void> {
  const { path, signal, silenceSeconds, onProgress } = options;
  for await (const job of watchStream(transport, { path: `${path}/events?output=false`, signal, silenceSeconds })) {
    yield job;
    if (job.done) return;
  }
  const polled = { path: `${path}?onComplete=status`, toState: toJob, signal, progress: onProgress !== undefined };
  yield* watchPoll(transport, polled);
}
