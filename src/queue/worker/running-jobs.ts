import type { Interruption } from '../../core/attempt/run-attempt.ts';

type Listener = (why: Interruption) => void;

interface RunningJob {
  /** When its lock was last known to be held, in milliseconds of `performance.now()`. */
  lockedAt: number;
  readonly listener: Listener;
}

/** The jobs of one type that run in this process, and how they are interrupted. */
export interface RunningJobs {
  readonly size: number;
  ids(): string[];
  /** Calls the listener when the job is interrupted. Returns what ends that. */
  add(id: string, listener: Listener): () => void;
  interrupt(id: string, why: Interruption): void;
  /** Interrupts all there are, and all there will be. */
  handBack(): void;
  /** The locks of these jobs were made to last again. */
  lockedAgain(ids: readonly string[]): void;
  /** Of which nothing was heard since a time of `performance.now()`. */
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
      // Its lock ran out unseen, and this process itself took it up again.
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
