import { withDeadline } from '../core/deadline.ts';
import type { Logger } from '../core/ports.ts';
import type { QueueBackend } from './backend.ts';

/** Expired jobs are looked for at least so often, in seconds. */
const MAX_INTERVAL_SECONDS = 30;
/** A store that says nothing for so long, in milliseconds, is asked again later: the end of the process waits for the last answer. */
const DEADLINE_MS = 3000;

/** Removes all jobs of a type that finished longer than `retentionMs` milliseconds ago. */
export async function removeExpired(
  backend: QueueBackend,
  type: string,
  retentionMs: number,
  isClosed = () => false,
): Promise<void> {
  while (!isClosed()) {
    const removed = await withDeadline(backend.removeFinished(type, Date.now() - retentionMs), DEADLINE_MS);
    if (removed === 0) return;
  }
}

export interface RetentionOptions {
  readonly backend: QueueBackend;
  /** Names of the job types. */
  readonly types: readonly string[];
  readonly retentionSeconds: number;
  readonly logger: Logger;
}

/**
 * Removes jobs that have expired, as long as it is not closed. BullMQ itself would do so only when another job finishes.
 * @returns what closes it
 */
export function startRetention({ backend, types, retentionSeconds, logger }: RetentionOptions): () => Promise<void> {
  let sweep = Promise.resolve();
  let closed = false;
  const sweepAll = async (): Promise<void> => {
    try {
      for (const type of types) await removeExpired(backend, type, retentionSeconds * 1000, () => closed);
    } catch (error) {
      logger.debug({ err: error }, 'expired jobs could not be removed');
    }
  };
  const timer = setInterval(
    () => {
      // One after the other, however long one takes.
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
