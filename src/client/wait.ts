import type { Job, SucceededJob, UnsuccessfulJob } from './job.ts';
import type { Transport } from './transport.ts';
import { watchPoll } from './watch-poll.ts';
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
  let last = '';
  for await (const seen of watch(transport, options)) {
    // The caller vouches for the type of the job.
    const job = seen as Job<Type>;
    // A reconnected stream or a poll may repeat a state.
    const state = JSON.stringify({ ...job, retryAfter: null });
    if (state !== last) options.onProgress?.(job);
    last = state;
    if (job.done) return job;
  }
  throw new Error('The job was not followed to its end.');
}

/** Yields states from the event stream, and continues with polls if the stream is unavailable. */
async function* watch<Type extends string>(
  transport: Transport,
  options: WaitUntilDoneOptions<Type>,
): AsyncGenerator<Job, void> {
  const { path, signal, silenceSeconds, onProgress } = options;
  for await (const job of watchStream(transport, { path: `${path}/events`, signal, silenceSeconds })) {
    yield job;
    if (job.done) return;
  }
  yield* watchPoll(transport, { path, signal, progress: onProgress !== undefined });
}
