import type { Interruption } from '../../core/attempt/run-attempt.ts';

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
  let handedBack = false;
  return {
    get size() {
      return jobs.size;
    },
    ids: () => [...jobs.keys()],
    add(id, listener) {
      // The lock of the earlier run expired unnoticed, and this process took the job again.
      jobs.get(id)?.listener('lost');
      const job = { lockedAt: performance.now(), listener };
      jobs.set(id, job);
      if (handedBack) listener('handed-back');
      return () => {
        if (jobs.get(id) === job) jobs.delete(id);
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
