import type { Job } from '../job.ts';
import { isDone } from '../job.ts';
import type { JobEvents, OutputPage } from '../ports.ts';
import { MAX_SILENCE_MS, SILENCE_MS, tryRead } from '../service/follow.ts';
import type { OutputPiece } from './output.ts';

/** A job whose output is followed. */
export interface FollowedOutput {
  readonly id: string;
  readonly events: JobEvents;
  /** Resolves to undefined if the reader may not see the job any more. */
  read(after: number): Promise<OutputPage | undefined>;
}

/**
 * Yields a job's output after a sequence, in order and each piece once, and goes on until the job is done. It reads when the consumer asks for
 * more, so that a slow one holds one page. Returns early when the signal is aborted or the job is removed; an unavailable queue is waited for.
 * @param isOver whether to return at the present end, although the job may have been retried
 * @throws what the first `read` throws
 */
export async function* followOutput(
  { id, events, read }: FollowedOutput,
  after: number,
  signal: AbortSignal,
  isOver = () => false,
): AsyncGenerator<readonly OutputPiece[], void, void> {
  let last = after;
  const bell = createBell();
  const unsubscribe = events.subscribe(id, (event) => {
    const isNews = event.kind === 'output' ? event.sequence > last : event.kind === 'finished' || event.kind === 'lost';
    if (isNews) bell.ring();
  });
  try {
    // A part that was read before does not have what came since.
    let wasOver = isOver();
    let page: OutputPage | undefined | 'unavailable' = await read(last);
    let silenceMs = SILENCE_MS;
    while (page !== undefined && !signal.aborted) {
      if (page !== 'unavailable' && page.pieces.length > 0) {
        last = page.pieces.at(-1)?.sequence ?? last;
        silenceMs = SILENCE_MS;
        yield page.pieces;
      }
      if (page === 'unavailable' || !page.hasMore) {
        if (page !== 'unavailable' && (page.expiresAt !== undefined || wasOver)) return;
        const isRung = await bell.wait(silenceMs, signal);
        silenceMs = isRung || page === 'unavailable' ? SILENCE_MS : Math.min(2 * silenceMs, MAX_SILENCE_MS);
      }
      if (signal.aborted) return;
      wasOver = isOver();
      page = await tryRead({ read: () => read(last) });
    }
  } finally {
    unsubscribe();
  }
}

/** Remembers that it was rung until somebody waits for it. */
function createBell() {
  let isRung = false;
  let wake: (() => void) | undefined;
  return {
    ring(): void {
      isRung = true;
      wake?.();
    },
    /** Resolves to whether it was rung; otherwise after `ms` milliseconds, or when the signal is aborted. */
    async wait(ms?: number, signal?: AbortSignal): Promise<boolean> {
      if (!isRung && signal?.aborted !== true) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const wakeUp = (): void => resolve();
        wake = wakeUp;
        const timer = ms === undefined ? undefined : setTimeout(wakeUp, ms);
        signal?.addEventListener('abort', wakeUp);
        await promise;
        clearTimeout(timer);
        signal?.removeEventListener('abort', wakeUp);
      }
      const wasRung = isRung;
      isRung = false;
      return wasRung;
    },
  };
}

/** What happens to a job: a state of it, or output. */
export type JobNews =
  | { readonly kind: 'state'; readonly job: Job }
  | { readonly kind: 'output'; readonly pieces: readonly OutputPiece[] };

/**
 * Yields the job as it is, then its states from that one on and its output, each in order. The final state comes after all output. A job
 * without output costs no more than its states.
 * @param watch yields the states until the signal is aborted, and calls `onOutput` when there is output
 * @param follow undefined: without output
 */
export async function* withOutput(
  signal: AbortSignal,
  watch: (onOutput: () => void, signal: AbortSignal) => AsyncGenerator<Job, void, void>,
  follow:
    | ((isOver: () => boolean, signal: AbortSignal) => AsyncGenerator<readonly OutputPiece[], void, void>)
    | undefined,
): AsyncGenerator<JobNews, void, void> {
  const closing = new AbortController();
  const until = AbortSignal.any([signal, closing.signal]);
  const bell = createBell();
  let output: Source<readonly OutputPiece[]> | undefined;
  let isOver = false;
  const begin = (): void => {
    if (follow !== undefined)
      output ??= createSource(
        follow(() => isOver, until),
        bell.ring,
      );
  };
  const states = createSource(watch(begin, until), bell.ring);
  let isFirst = true;
  try {
    for (;;) {
      const job = states.value;
      isOver = job !== undefined && isDone(job);
      if (isFirst && job !== undefined) {
        isFirst = false;
        yield { kind: 'state', job };
        continue;
      }
      const pieces = isFirst ? undefined : output?.value;
      if (pieces !== undefined) {
        yield { kind: 'output', pieces };
        output?.pull();
        continue;
      }
      if (job !== undefined) {
        if (job.hasOutput === true) begin();
        if (!isDone(job) || output?.ended !== false) {
          yield { kind: 'state', job };
          if (isDone(job)) return;
          states.pull();
          continue;
        }
      }
      if (states.ended) return;
      await bell.wait();
    }
  } finally {
    closing.abort();
    await Promise.all([states.close(), output?.close()]);
  }
}

/** A generator of which one value is read ahead. */
interface Source<T> {
  /** Undefined until it is there. Throws what the generator has thrown. */
  readonly value: T | undefined;
  readonly ended: boolean;
  /** Reads the next value, in place of the present one. */
  pull(): void;
  close(): Promise<void>;
}

function createSource<T>(generator: AsyncGenerator<T, void, void>, onNews: () => void): Source<T> {
  let result: IteratorResult<T, void> | undefined;
  let failure: { readonly error: unknown } | undefined;
  const source: Source<T> = {
    get value() {
      if (failure !== undefined) throw failure.error;
      return result?.done === false ? result.value : undefined;
    },
    get ended() {
      return result?.done === true;
    },
    pull() {
      result = undefined;
      void (async () => {
        try {
          result = await generator.next();
        } catch (error) {
          failure = { error };
        }
        onNews();
      })();
    },
    async close() {
      await generator.return();
    },
  };
  source.pull();
  return source;
}
