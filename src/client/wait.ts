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

/** Resolves to the final state of a job. */
export async function waitUntilDone<Type extends string>(
  transport: Transport,
  options: WaitUntilDoneOptions<Type>,
): Promise<DoneJob<Type>> {
  let last = '';
  for await (const seen of watch(transport, options)) {
    // Which type it is of is the word of the caller, who named the job.
    const job = seen as Job<Type>;
    // A reconnected stream, or a poll, may say again what is known.
    const state = JSON.stringify({ ...job, retryAfter: null });
    if (state !== last) options.onProgress?.(job);
    last = state;
    if (job.done) return job;
  }
  throw new Error('The job was not followed to its end.');
}

/** Pushed states where the server can be heard, asked ones from where it can't. */
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
