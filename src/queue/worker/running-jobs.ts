import type { Interruption } from '../../core/attempt/attempt.ts';
import { withDeadline } from '../../core/deadline.ts';
import type { Logger } from '../../core/ports.ts';

/** How often running jobs are checked, in milliseconds, and so the longest delay of a cancellation. */
const CANCELLATION_CHECK_MS = 400;
/** A check without an answer is given up after so many milliseconds. */
const CHECK_DEADLINE_MS = 1500;
/** How often the locks are checked, in milliseconds. */
const LOCK_CHECK_MS = 500;

/** The most ended jobs that are remembered. */
const MAX_ENDED = 20;

type Listener = (why: Interruption) => void;

interface RunningJob {
  /** When its lock was last taken or renewed, in milliseconds of `performance.now()`. */
  lockedAt: number;
  readonly listener: Listener;
}

/** The jobs of one type that run in this process, and how they are interrupted. */
export interface RunningJobs {
  readonly size: number;
  ids(): string[];
  /** Some of the jobs that were removed since the last call. */
  takeEnded(): string[];
  /**
   * Calls the listener when the job is interrupted.
   * @returns removes the job
   */
  add(id: string, listener: Listener): () => void;
  interrupt(id: string, why: Interruption): void;
  /** Interrupts all running jobs, and each that is added later. */
  handBack(): void;
  /** To be called when the locks of these jobs were renewed. */
  lockedAgain(ids: readonly string[]): void;
  /** Jobs whose locks were not renewed since a time of `performance.now()`. */
  lockedBefore(time: number): string[];
}

export function createRunningJobs(): RunningJobs {
  const jobs = new Map<string, RunningJob>();
  let ended: string[] = [];
  let handedBack = false;
  return {
    get size() {
      return jobs.size;
    },
    ids: () => [...jobs.keys()],
    takeEnded() {
      const taken = ended;
      ended = [];
      return taken;
    },
    add(id, listener) {
      // The lock of the earlier run expired unnoticed, and this process took the job again.
      jobs.get(id)?.listener('lost');
      const job = { lockedAt: performance.now(), listener };
      jobs.set(id, job);
      if (handedBack) listener('handed-back');
      return () => {
        if (jobs.get(id) === job) jobs.delete(id);
        if (ended.length < MAX_ENDED) ended.push(id);
      };
    },
    interrupt: (id, why) => jobs.get(id)?.listener(why),
    handBack() {
      handedBack = true;
      for (const { listener } of jobs.values()) listener('handed-back');
    },
    lockedAgain(ids) {
      const now = performance.now();
      for (const id of ids) {
        const job = jobs.get(id);
        if (job) job.lockedAt = now;
      }
    },
    lockedBefore: (time) => [...jobs].filter(([, { lockedAt }]) => lockedAt < time).map(([id]) => id),
  };
}

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
      const marked = await withDeadline(readMarked(running.ids()), CHECK_DEADLINE_MS);
      for (const id of marked) running.interrupt(id, 'canceled');
    } catch (error) {
      logger.debug({ err: error }, 'could not check for canceled jobs');
    } finally {
      checking = false;
    }
  };
  const timer = setInterval(() => void check(), CANCELLATION_CHECK_MS);
  return () => clearInterval(timer);
}

/**
 * Interrupts the running jobs whose locks were not renewed in time. The store may be unavailable for this process alone, and gives such a
 * job to another worker, so the run here must end first.
 * @param lockMs how long a lock lasts by this process's clock, in milliseconds; less than by the store's
 * @param allRenewedAt when something else last renewed the locks of all jobs, in milliseconds of `performance.now()`
 * @returns stops the checks
 */
export function watchLocks(running: RunningJobs, lockMs: number, allRenewedAt = () => -Infinity): () => void {
  const timer = setInterval(() => {
    if (allRenewedAt() >= performance.now() - lockMs) return;
    for (const id of running.lockedBefore(performance.now() - lockMs)) running.interrupt(id, 'lost');
  }, LOCK_CHECK_MS);
  return () => clearInterval(timer);
}
