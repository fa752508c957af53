import type { RunningJobs } from './running-jobs.ts';

/** How often the locks are checked, in milliseconds. */
const CHECK_MS = 500;

/**
 * Interrupts the running jobs whose locks were not renewed in time. The store may be unavailable for this process alone, and gives such a
 * job to another worker, so the run here must end first.
 * @param lockMs how long a lock lasts by this process's clock, in milliseconds; less than by the store's
 * @returns stops the checks
 */
export function watchLocks(running: RunningJobs, lockMs: number): () => void {
  const timer = setInterval(() => {
    for (const id of running.lockedBefore(performance.now() - lockMs)) running.interrupt(id, 'lost');
  }, CHECK_MS);
  return () => clearInterval(timer);
}
