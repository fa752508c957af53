import { withDeadline } from '../core/deadline.ts';
import type { Logger } from '../core/ports.ts';
import { EXPIRED_AT_ONCE, PLACED_AT_ONCE, type QueueBackend } from './backend.ts';

/**
 * Milliseconds between two looks: how long a poller reads Pending of a job whose time is over, and which no worker will start, and how long a
 * job that was delayed waits behind all others before it gets its place.
 */
const INTERVAL_MS = 1000;
/** A step without an answer is given up after so many milliseconds. */
const DEADLINE_MS = 3000;

export interface WaitingUpkeepOptions {
  readonly backend: QueueBackend;
  /** Names of the job types, also of those whose files are gone. */
  readonly types: readonly string[];
  /** How many jobs of one caller run at once, for the types that say so. */
  readonly perCaller: ReadonlyMap<string, number>;
  readonly logger: Logger;
}

/**
 * Looks after the jobs that wait, from now on, whether or not there are workers: ends those of which no attempt began in time, gives those
 * that BullMQ has moved their place among the jobs of other callers, and lets those go on that waited for a job of a killed worker. Readers
 * could work out by themselves what has expired, but lists, counts and events read the store, which is the same for all of them.
 * @returns stops it
 */
export function startWaitingUpkeep({ backend, types, perCaller, logger }: WaitingUpkeepOptions): () => void {
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  async function endExpired(): Promise<number> {
    const ids = await withDeadline(backend.expire(types), DEADLINE_MS);
    for (const jobId of ids) logger.info({ jobId }, 'job expired');
    return ids.length;
  }
  const placeJobs = (): Promise<number> => withDeadline(backend.placeJobs(types), DEADLINE_MS);

  /** Repeats a step until there is no more to do. */
  async function repeat(step: () => Promise<number>, most: number): Promise<void> {
    if ((await step()) >= most && !closed) await repeat(step, most);
  }
  async function look(): Promise<void> {
    try {
      await repeat(endExpired, EXPIRED_AT_ONCE);
      await repeat(placeJobs, PLACED_AT_ONCE);
      for (const [type, most] of perCaller) await withDeadline(backend.freeSlots(type, most), DEADLINE_MS);
    } catch (error) {
      logger.debug({ err: error }, 'could not look after the jobs that wait');
    }
    if (!closed) timer = setTimeout(() => void look(), INTERVAL_MS).unref();
  }
  void look();
  return () => {
    closed = true;
    clearTimeout(timer);
  };
}
