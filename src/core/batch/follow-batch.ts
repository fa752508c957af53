/** Following batches: all who follow one in this process share its subscription and its reads. */
import { isQueueUnavailable } from '../errors.ts';
import type { JobEvents } from '../ports.ts';
import { type Batch, isBatchDone, versionOfBatch } from './batch.ts';

/** Milliseconds between a change and the read that shows it, which then shows the changes right after it too. */
const SOON_MS = 50;
/** Milliseconds between two reads. */
const INTERVAL_MS = 500;
/** A batch without changes is read again after so many milliseconds, because a lost connection to the store may have lost one. */
const SILENCE_MS = 5000;
/** That time doubles up to this limit. */
const MAX_SILENCE_MS = 40_000;

export interface FollowedBatches {
  readonly events: Pick<JobEvents, 'subscribeType'>;
  /** Whoever it belongs to. */
  read(batch: Batch): Promise<Batch | undefined>;
  /** The ids that its jobs may have. */
  idsOf(batch: Batch): Promise<readonly string[]>;
}

/** What is known of a batch while somebody follows it. */
interface Feed {
  /** Undefined when all of its jobs have expired. */
  state: Batch | undefined;
  /** Why it could not be read. */
  error: { readonly cause: unknown } | undefined;
  followers: number;
  /** Called at each change of these. */
  readonly wakes: Set<() => void>;
  close(): void;
}

/**
 * Yields a batch's state, then each change of its counts, up to the state in which all jobs are done. States that follow each other quickly
 * are left out. Returns early when the signal is aborted or the batch has expired; an unavailable queue is waited for.
 */
export type WatchBatch = (batch: Batch, signal: AbortSignal) => AsyncGenerator<Batch, void, void>;

export function createBatchFollower({ events, read, idsOf }: FollowedBatches): WatchBatch {
  const feeds = new Map<string, Feed>();

  function open(batch: Batch): Feed {
    let timer: NodeJS.Timeout | undefined;
    let readAt = performance.now();
    let silenceMs = SILENCE_MS;
    /** Whether a change is known that the next read will show. */
    let isDue = false;
    let ids: ReadonlySet<string> | undefined;
    const schedule = (ms: number): void => {
      clearTimeout(timer);
      timer = setTimeout(() => void refresh(), ms);
    };
    const change = (): void => {
      if (isDue) return;
      isDue = true;
      schedule(Math.max(SOON_MS, readAt + INTERVAL_MS - performance.now()));
    };
    const unsubscribe = events.subscribeType(batch.type, (event) => {
      if (event.kind === 'lost' || ids === undefined || ids.has(event.id)) change();
    });
    const feed: Feed = {
      state: batch,
      error: undefined,
      followers: 0,
      wakes: new Set(),
      close() {
        feeds.delete(batch.id);
        unsubscribe();
        clearTimeout(timer);
      },
    };

    async function refresh(): Promise<void> {
      isDue = false;
      readAt = performance.now();
      try {
        ids ??= new Set(await idsOf(batch));
        const state = await read(batch);
        const isNews = state === undefined || feed.state === undefined || !isSame(state, feed.state);
        silenceMs = isNews ? SILENCE_MS : Math.min(2 * silenceMs, MAX_SILENCE_MS);
        feed.state = state;
        if (isNews) for (const wake of feed.wakes) wake();
      } catch (error) {
        silenceMs = SILENCE_MS;
        if (!isQueueUnavailable(error)) {
          feed.error = { cause: error };
          for (const wake of feed.wakes) wake();
        }
      }
      if (feed.followers > 0 && !isDue) schedule(silenceMs);
    }

    // What happened before the subscription.
    change();
    feeds.set(batch.id, feed);
    return feed;
  }

  return async function* watch(first, signal) {
    if (isBatchDone(first)) {
      yield first;
      return;
    }
    const feed = feeds.get(first.id) ?? open(first);
    feed.followers += 1;
    try {
      let shown = feed.state ?? first;
      yield shown;
      while (!isBatchDone(shown)) {
        if (feed.state !== undefined && isSame(feed.state, shown)) await nextChange(feed, signal);
        if (feed.error !== undefined) throw new Error('the batch could not be read', feed.error);
        if (signal.aborted || feed.state === undefined) return;
        if (!isSame(feed.state, shown)) yield (shown = feed.state);
      }
    } finally {
      feed.followers -= 1;
      if (feed.followers === 0) feed.close();
    }
  };
}

async function nextChange({ wakes, error }: Feed, signal: AbortSignal): Promise<void> {
  if (signal.aborted || error !== undefined) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = (): void => resolve();
  wakes.add(wake);
  signal.addEventListener('abort', wake);
  await promise;
  wakes.delete(wake);
  signal.removeEventListener('abort', wake);
}

function isSame(a: Batch, b: Batch): boolean {
  return versionOfBatch(a) === versionOfBatch(b);
}
