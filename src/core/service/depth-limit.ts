import type { JobQueue, Logger } from '../ports.ts';

/** How long a depth is used before it is read again, in milliseconds. */
const DEPTH_AGE_MS = 1000;
/** The same for a queue that is full. */
const FULL_AGE_MS = 100;

/** What is known of one type's queue. */
interface Depth {
  /** Jobs that waited when it was read last; until then more than any limit. */
  sample: number;
  /** When that was, in milliseconds. */
  readAt: number;
  /** Additions of this process that the sample does not tell of, or may not. */
  own: number;
  /** Additions that have no answer yet. */
  pending: number;
  /** A reading under way, which all who need one share. */
  reading: Promise<void> | undefined;
}

/** Keeps jobs out of a queue in which as many wait as may. */
export interface DepthLimit {
  /**
   * Adds a job of a type if there is room for one.
   * @param otherwise what comes in the place of the addition when there is none
   * @throws ServiceError `queue-unavailable`
   */
  add<T>(type: string, add: () => Promise<T>, otherwise: () => Promise<T>): Promise<T>;
}

/**
 * Submissions do not wait for the depth: it is read beside them, once a second at most, and what this process added since is
 * counted. Only when that makes the queue full, the depth is read before the answer. So one process alone keeps the limit;
 * several may together add more, by what they add in that second.
 * @param max jobs of each type that may wait
 */
export function createDepthLimit(queue: JobQueue, max: number, logger: Logger): DepthLimit {
  const depths = new Map<string, Depth>();

  async function readDepth(type: string, depth: Depth): Promise<void> {
    const readAt = performance.now();
    // Those under way may be in the sample or not: for a moment they may count twice, and never not at all.
    const countedBefore = depth.own - depth.pending;
    depth.sample = await queue.readDepth(type, max);
    depth.own -= countedBefore;
    depth.readAt = readAt;
  }

  /** Joins the reading that there is, or begins one. */
  function refresh(type: string, depth: Depth): Promise<void> {
    depth.reading ??= readDepth(type, depth).finally(() => (depth.reading = undefined));
    return depth.reading;
  }

  const isFull = ({ sample, own }: Depth): boolean => sample + own >= max;

  /** Reads the depth where it is old. @returns what is to be waited for, where all depends on it */
  function update(type: string, depth: Depth): Promise<void> | undefined {
    const age = performance.now() - depth.readAt;
    if (isFull(depth)) {
      if (depth.reading !== undefined || age > FULL_AGE_MS) return refresh(type, depth);
    } else if (age > DEPTH_AGE_MS) {
      refresh(type, depth).catch((error: unknown) => logger.debug({ err: error, type }, 'the depth could not be read'));
    }
    return undefined;
  }

  return {
    async add(type, add, otherwise) {
      const depth = depths.get(type) ?? newDepth();
      depths.set(type, depth);
      const updated = update(type, depth);
      if (updated !== undefined) await updated;
      // Nothing comes between this question and the count.
      if (isFull(depth)) return otherwise();
      depth.own += 1;
      depth.pending += 1;
      try {
        return await add();
      } finally {
        depth.pending -= 1;
      }
    },
  };
}

function newDepth(): Depth {
  return { sample: Infinity, readAt: -Infinity, own: 0, pending: 0, reading: undefined };
}
