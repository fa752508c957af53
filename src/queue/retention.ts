import { withDeadline } from '../core/deadline.ts';
import type { Logger } from '../core/ports.ts';
import type { QueueBackend } from './backend.ts';

/** The longest time between two sweeps, in seconds. */
const MAX_INTERVAL_SECONDS = 30;
/** A sweep is given up after so many milliseconds without an answer, because the shutdown waits for it. */
const DEADLINE_MS = 3000;

/** Removes all jobs of a type that finished longer than `retentionMs` milliseconds ago by the store's clock, and promised no more. */
export async function removeExpired(
  backend: QueueBackend,
  type: string,
  retentionMs: number,
  isClosed = () => false,
): Promise<void> {
  const clock = backend.clockOf(type);
  while (!isClosed()) {
    const until = Math.floor(clock.now() - retentionMs);
    const removed = await withDeadline(backend.removeFinished(type, until, retentionMs), DEADLINE_MS);
    if (removed === 0) return;
  }
}

export interface RetentionOptions {
  readonly backend: QueueBackend;
  /** Names of the job types, also of those whose files are gone. */
  readonly types: readonly string[];
  readonly retentionSeconds: number;
  readonly logger: Logger;
}

/**
 * Removes expired jobs regularly. BullMQ itself removes them only when another job finishes.
 * @returns stops it
 */
export function startRetention({ backend, types, retentionSeconds, logger }: RetentionOptions): () => Promise<void> {
  let sweep = Promise.resolve();
  let closed = false;
  const sweepAll = async (): Promise<void> => {
    try {
      for (const type of types) {
        await withDeadline(backend.clockOf(type).measure(), DEADLINE_MS);
        await removeExpired(backend, type, retentionSeconds * 1000, () => closed);
      }
    } catch (error) {
      logger.debug({ err: error }, 'could not remove expired jobs');
    }
  };
  const timer = setInterval(
    () => {
      // Sweeps never overlap, however long one takes.
      sweep = sweep.then(sweepAll);
    },
    Math.min(retentionSeconds, MAX_INTERVAL_SECONDS) * 1000,
  );
  return async () => {
    closed = true;
    clearInterval(timer);
    await sweep;
  };
}
