import { ServiceError } from '../errors.ts';
import type { JobQueue, Logger } from '../ports.ts';
import type { RetryAfterEstimator } from './retry-after.ts';

/** Milliseconds for which a depth is used before it is read again. */
const DEPTH_AGE_MS = 1000;
/** The same for a full queue. */
const FULL_AGE_MS = 100;

/** A queue that was full has room again below this share of its maximum, so that the log does not say so with each job. */
const ROOM = 0.9;

/** The most queues or callers whose depth is known at a time; that of one which was not used for longest is forgotten. */
const MAX_KNOWN = 10_000;

/** What this process knows of one queue: a type's, or a caller's share of all. */
interface Depth {
  /** Waiting jobs at the last read; infinite before the first one. */
  sample: number;
  /** Time of that read, in milliseconds of `performance.now()`. */
  readAt: number;
  /** Additions by this process that the sample may not include. */
  own: number;
  /** Additions that are still in flight. */
  pending: number;
  /** A read in progress, shared by all submissions that need one. */
  reading: Promise<void> | undefined;
  /** Whether it was last reported as full. */
  wasFull: boolean;
}

/** Refuses additions to a queue in which the maximum number of jobs is waiting. */
export interface DepthLimit {
  /**
   * Adds jobs to a queue if there is room for all of them.
   * @param otherwise called instead of `add` when there is not
   * @param jobs how many are added
   * @default 1
   * @throws ServiceError `queue-unavailable`
   */
  add<T>(name: string, add: () => Promise<T>, otherwise: () => Promise<T>, jobs?: number): Promise<T>;
}

/**
 * Submissions do not wait for the depth: it is read in the background, at most once a second, and additions by this process since
 * then are counted. Only a queue that looks full is read before the submission is answered. So a single process never exceeds the
 * limit; several together may exceed it by what the others add within that second.
 * @param max jobs that may wait in each queue
 * @param onChange called when a queue becomes full, and when it has room again
 */
export function createDepthLimit(
  queue: Pick<JobQueue, 'readDepth'>,
  max: number,
  logger: Logger,
  onChange: (name: string, isFull: boolean) => void = () => undefined,
): DepthLimit {
  const depths = new Map<string, Depth>();

  async function readDepth(name: string, depth: Depth): Promise<void> {
    const readAt = performance.now();
    // The sample may or may not include additions in flight: they may briefly count twice, so that they never count zero times.
    const countedBefore = depth.own - depth.pending;
    depth.sample = await queue.readDepth(name, max);
    depth.own -= countedBefore;
    depth.readAt = readAt;
  }

  /** Joins the read in progress, or starts one. */
  function refresh(name: string, depth: Depth): Promise<void> {
    depth.reading ??= readDepth(name, depth).finally(() => (depth.reading = undefined));
    return depth.reading;
  }

  const isFull = ({ sample, own }: Depth, jobs = 1): boolean => sample + own + jobs > max;

  function report(name: string, depth: Depth): void {
    const now = isFull(depth);
    if (now === depth.wasFull || (!now && depth.sample + depth.own > ROOM * max) || depth.sample === Infinity) return;
    depth.wasFull = now;
    onChange(name, now);
  }

  /** Reads the depth if it is too old. @returns the read to wait for, when the answer depends on it */
  function update(name: string, depth: Depth, jobs: number): Promise<void> | undefined {
    const age = performance.now() - depth.readAt;
    if (isFull(depth, jobs)) {
      if (depth.reading !== undefined || age > FULL_AGE_MS) return refresh(name, depth);
    } else if (age > DEPTH_AGE_MS) {
      refresh(name, depth).catch((error: unknown) => logger.debug({ err: error, name }, 'reading the depth failed'));
    }
    return undefined;
  }

  return {
    async add(name, add, otherwise, jobs = 1) {
      const depth = depths.get(name) ?? newDepth();
      // The last one to be forgotten.
      depths.delete(name);
      depths.set(name, depth);
      if (depths.size > MAX_KNOWN) for (const [oldest] of depths.entries().take(1)) depths.delete(oldest);
      const updated = update(name, depth, jobs);
      if (updated !== undefined) await updated;
      report(name, depth);
      // No await between this check and the count: concurrent submissions must not all see the last free place.
      if (isFull(depth, jobs)) return otherwise();
      depth.own += jobs;
      depth.pending += jobs;
      try {
        return await add();
      } finally {
        depth.pending -= jobs;
      }
    },
  };
}

export interface RoomOptions {
  readonly depthLimit: DepthLimit;
  /** Undefined: a caller may have as many jobs waiting as there is room for. */
  readonly callerLimit: { readonly limit: DepthLimit; readonly max: number } | undefined;
  readonly estimator: Pick<RetryAfterEstimator, 'estimateRoom'>;
}

/**
 * Adds jobs if there is room for all of them, in their queue and in the caller's quota.
 * @param known whether they are there already, so that adding them again adds none
 * @param jobs how many
 * @default 1
 * @throws ServiceError `queue-full`, `quota-exceeded`
 */
export type AddWithin = <T>(
  type: string,
  caller: string,
  add: () => Promise<T>,
  known: () => Promise<boolean>,
  jobs?: number,
) => Promise<T>;

export function createAddWithin({ depthLimit, callerLimit, estimator }: RoomOptions): AddWithin {
  async function refuseFull(type: string): Promise<never> {
    throw new ServiceError('queue-full', queueFull(type), { retryAfter: estimator.estimateRoom(type) });
  }

  return async (type, caller, add, known, jobs = 1) => {
    const addToQueue = () => depthLimit.add(type, add, async () => ((await known()) ? add() : refuseFull(type)), jobs);
    if (callerLimit === undefined) return addToQueue();
    const { limit, max } = callerLimit;
    const otherwise = async () => {
      if (await known()) return add();
      throw new ServiceError('quota-exceeded', quotaExceeded(max), { retryAfter: estimator.estimateRoom(type) });
    };
    return limit.add(caller, addToQueue, otherwise, jobs);
  };
}

/** The `detail` of a refusal for the jobs of a type. */
export function queueFull(type: string): string {
  return `Too many jobs of type ${type} are waiting. Try again later.`;
}

/** The `detail` of a refusal for the caller's own jobs. */
export function quotaExceeded(max: number): string {
  return `You have ${max} jobs waiting, the most that one caller may have. Try again later.`;
}

function newDepth(): Depth {
  return { sample: Infinity, readAt: -Infinity, own: 0, pending: 0, reading: undefined, wasFull: false };
}
