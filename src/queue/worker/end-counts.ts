import { withDeadline } from '../../core/deadline.ts';
import type { JobTypeThroughput } from '../../core/job-type-stats.ts';
import type { Logger } from '../../core/ports.ts';

/** How often the counts are stored, in milliseconds: how late an operator sees them, and how much of them a killed process loses. */
const STORE_EVERY_MS = 1000;
/** The longest wait for the store, in milliseconds. */
const DEADLINE_MS = 1500;

/** Counts the jobs of one type that end in this process. */
export interface EndCounts {
  add(end: keyof JobTypeThroughput): void;
  /** Stores what is left. */
  close(): Promise<void>;
}

/**
 * A job costs an addition in memory: what ended within a second is stored in one step.
 * @param store adds to the counts that all processes share
 */
export function createEndCounts(store: (ends: JobTypeThroughput) => Promise<void>, logger: Logger): EndCounts {
  let counts = { succeeded: 0, failed: 0 };
  let storing: Promise<void> | undefined;

  async function storeNow(): Promise<void> {
    const ends = counts;
    if (ends.succeeded + ends.failed === 0) return;
    counts = { succeeded: 0, failed: 0 };
    try {
      await withDeadline(store(ends), DEADLINE_MS);
    } catch (error) {
      // Whether the store has them is unknown. They are not stored twice.
      logger.debug({ err: error }, 'could not store how many jobs ended');
    }
  }

  const timer = setInterval(() => {
    storing ??= storeNow().finally(() => (storing = undefined));
  }, STORE_EVERY_MS);
  return {
    add: (end) => void (counts[end] += 1),
    async close() {
      clearInterval(timer);
      await storing;
      await storeNow();
    },
  };
}
