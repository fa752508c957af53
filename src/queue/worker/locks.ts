import type { RunningJobs } from './running-jobs.ts';

/** How often it is looked for locks that were not renewed in time, in milliseconds. */
const CHECK_MS = 500;

/**
 * Tells the jobs that run here when they may run elsewhere too. A lock that could not be renewed for so long is taken as lost: the store
 * may be away for this process alone, and then gives the job to another worker, beside which this one shall not go on.
 * @param lockMs milliseconds that a lock lasts by the clock of this process, less than by the store's
 * @returns what ends it
 */
export function watchLocks(running: RunningJobs, lockMs: number): () => void {
  const timer = setInterval(() => {
    for (const id of running.lockedBefore(performance.now() - lockMs)) running.interrupt(id, 'lost');
  }, CHECK_MS);
  return () => clearInterval(timer);
}
