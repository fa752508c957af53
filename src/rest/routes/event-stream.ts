import type { Job } from '../../core/job.ts';
import { versionOf } from './entity-tag.ts';

/** A connection on which nothing is sent for longer may be taken for dead by what is in between. */
const KEEP_ALIVE_MS = 15_000;
/** A client connects again after so many milliseconds. */
const RETRY = 'retry: 1000\n\n';

export interface EventStreamOptions {
  /** What the client has already; it is not sent again. */
  readonly lastEventId?: string | undefined;
  /** @default 15_000 */
  readonly keepAliveMs?: number;
}

/**
 * The states of a job as an event stream (HTML, section 9.2): each an event with the job's version as its id, and comments while
 * there are none.
 * @param toData a line of JSON
 */
export async function* toEventStream(
  states: AsyncGenerator<Job, void, void>,
  toData: (job: Job) => string,
  { lastEventId, keepAliveMs = KEEP_ALIVE_MS }: EventStreamOptions = {},
): AsyncGenerator<string, void, void> {
  try {
    // Whoever has the head of the reply is sure to hear of all that happens from then on.
    let next = states.next();
    let state: IteratorResult<Job, void> | undefined = await next;
    let lines = RETRY;
    for (;;) {
      if (state === undefined) {
        lines = ':\n\n';
      } else {
        if (state.done) return;
        if (versionOf(state.value) !== lastEventId) lines += toEvent(state.value, toData);
        next = states.next();
      }
      if (lines !== '') yield lines;
      lines = '';
      state = await within(keepAliveMs, next);
    }
  } finally {
    await states.return();
  }
}

/** The whole of such a stream for a job that is done. */
export const toLastEvent = (job: Job, toData: (job: Job) => string): string => RETRY + toEvent(job, toData);

function toEvent(job: Job, toData: (job: Job) => string): string {
  return `id: ${versionOf(job)}\ndata: ${toData(job)}\n\n`;
}

/** Resolves to undefined when it takes longer; the promise goes on. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
