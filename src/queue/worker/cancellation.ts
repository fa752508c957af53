import { withDeadline } from '../../core/deadline.ts';
import type { Logger } from '../../core/ports.ts';
import type { RunningJobs } from './running-jobs.ts';

/** How often running jobs are checked, in milliseconds, and so the longest delay of a cancellation. */
const CHECK_MS = 400;
/** A check without an answer is given up after so many milliseconds. */
const DEADLINE_MS = 1500;

/**
 * Interrupts running jobs that were canceled, in whatever process. It polls, with one query for all running jobs: unlike an event, a mark
 * is not lost with a connection or a restart of the store, and polling needs no connection of its own.
 * @param readMarked resolves to those of these jobs that are marked as canceled
 * @returns stops the checks
 */
export function watchCancellation(
  running: RunningJobs,
  readMarked: (ids: readonly string[]) => Promise<readonly string[]>,
  logger: Logger,
): () => void {
  let checking = false;
  const check = async (): Promise<void> => {
    if (checking || running.size === 0) return;
    checking = true;
    try {
      const marked = await withDeadline(readMarked(running.ids()), DEADLINE_MS);
      for (const id of marked) running.interrupt(id, 'canceled');
    } catch (error) {
      logger.debug({ err: error }, 'could not check for canceled jobs');
    } finally {
      checking = false;
    }
  };
  const timer = setInterval(() => void check(), CHECK_MS);
  return () => clearInterval(timer);
}
