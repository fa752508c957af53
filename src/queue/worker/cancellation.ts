import { withDeadline } from '../../core/deadline.ts';
import type { Logger } from '../../core/ports.ts';
import type { RunningJobs } from './running-jobs.ts';

/** A running job hears that it was canceled in this time, in milliseconds, whichever process canceled it. */
const CHECK_MS = 400;
/** A question without an answer is asked again, in milliseconds. */
const DEADLINE_MS = 1500;

/**
 * Tells the jobs that run here when they are canceled. Asks for the marks of all of them, while there are some: one question,
 * which neither a lost event nor a restart of the store can make it miss, and which takes no connection.
 * @param readMarked of these jobs, the ones that are marked as canceled
 * @returns what ends it
 */
export function watchCancellation(
  running: RunningJobs,
  readMarked: (ids: readonly string[]) => Promise<readonly string[]>,
  logger: Logger,
): () => void {
  let asking = false;
  const check = async (): Promise<void> => {
    if (asking || running.size === 0) return;
    asking = true;
    try {
      const marked = await withDeadline(readMarked(running.ids()), DEADLINE_MS);
      for (const id of marked) running.interrupt(id, 'canceled');
    } catch (error) {
      logger.debug({ err: error }, 'canceled jobs could not be asked for');
    } finally {
      asking = false;
    }
  };
  const timer = setInterval(() => void check(), CHECK_MS);
  return () => clearInterval(timer);
}
