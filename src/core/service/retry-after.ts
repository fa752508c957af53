import type { BatchCounts } from '../batch/batch.ts';
import { type Job, isCancelRequested, isDone } from '../job.ts';
import { FIRST_WAITING, type JobQueue, type Logger, type Pace } from '../ports.ts';

/** The longest wait that a poller is given, in seconds. */
const MAX_SECONDS = 60;
/** The same for a job that runs, so that its poller sees progress. */
const MAX_RUNNING_SECONDS = 5;
/** The shortest wait for a job of a paused type, in milliseconds: when it is resumed is unknown. */
const PAUSED_MS = 10_000;
/** A job that runs longer than usual is polled again after this share of its elapsed time. */
const OVERTIME_SHARE = 0.2;
/** Milliseconds for which a measured pace is used before it is measured again. */
const PACE_AGE_MS = 1000;

const UNKNOWN: Pace = { durationMs: undefined, intervalMs: 0, waiting: 0, paused: false };

/**
 * Seconds after which a job may be done, from 1 to 60 (RFC 9110, section 10.2.3).
 * @param ahead how many jobs are before it; all that wait where its position is unknown, so that the estimate may be too long, never too short
 */
export function estimateRetryAfter(job: Job, pace: Pace, now: number, ahead = pace.waiting): number {
  if (job.status !== 'Running') return toSeconds(estimateMs(job, pace, now, ahead));
  return isCancelRequested(job) ? 1 : Math.min(MAX_RUNNING_SECONDS, toSeconds(estimateMs(job, pace, now, ahead)));
}

function toSeconds(ms: number): number {
  return Math.min(MAX_SECONDS, Math.max(1, Math.ceil(ms / 1000)));
}

function estimateMs(job: Job, { durationMs = 0, intervalMs, paused }: Pace, now: number, ahead: number): number {
  if (job.status !== 'Running') {
    const dueInMs = (job.options?.scheduledFor?.getTime() ?? 0) - now;
    return Math.max(paused ? PAUSED_MS : 0, dueInMs, ahead * intervalMs + durationMs);
  }
  const elapsed = now - job.startedAt.getTime();
  return elapsed < durationMs ? durationMs - elapsed : elapsed * OVERTIME_SHARE;
}

interface Measured {
  readonly pace: Pace;
  /** How many jobs are before each of the first that wait, by id; undefined until they are known. */
  readonly positions: ReadonlyMap<string, number> | undefined;
  /** When they were read, in milliseconds since 1970. */
  readonly readAt: number;
  /** When the latest measurement began; the one before it is used until it has ended. */
  readonly askedAt: number;
}

function positionOf({ id, createdAt, attempt, options }: Job, { pace, positions, readAt }: Measured): number | null {
  const known = positions?.get(id);
  if (known !== undefined || positions === undefined || positions.size >= FIRST_WAITING || pace.fair)
    return known ?? null;
  // One that was added since is the last, unless it has a priority. Any other waits for something else, or has just been taken.
  const isNew =
    Math.abs(createdAt.getTime() - readAt) <= PACE_AGE_MS && attempt === 0 && options?.priority === undefined;
  return isNew ? positions.size : null;
}

/** Null for a job that does not wait for a worker, too. */
function waitingPosition(job: Job, last: Measured): number | null {
  const isDue = (job.options?.scheduledFor?.getTime() ?? 0) <= Date.now();
  return job.status === 'Pending' && isDue ? positionOf(job, last) : null;
}

/**
 * How many jobs count as before a job. Where callers take turns, one that has been added since may be the first of its caller: it is asked for
 * again soon.
 */
function beforeOf(job: Job, measured: Measured): number | undefined {
  const { pace, readAt } = measured;
  if (!pace.fair) return waitingPosition(job, measured) ?? undefined;
  return positionOf(job, measured) ?? (job.createdAt.getTime() >= readAt - PACE_AGE_MS ? 0 : undefined);
}

/** Estimates polling intervals from the pace of each type's queue, measured at most once a second. */
export interface RetryAfterEstimator {
  /** Seconds; null when the job is done. Never waits for the queue: until the first measurement arrives, the estimate is 1. */
  estimate(job: Job): number | null;
  /**
   * How many jobs of its type workers take before it, as of the last measurement; null if that is not known, or the job does not wait for a
   * worker. Never waits for the queue either.
   */
  estimatePosition(job: Job): number | null;
  /** Seconds after which a poller may see that jobs of a batch are done, from 1 to 60: at most 5 while any of them runs. */
  estimateBatch(type: string, counts: Pick<BatchCounts, 'running'>): number;
  /** Seconds after which a full queue may have room for a job of this type, from 1 to 60. */
  estimateRoom(type: string): number;
}

export function createRetryAfterEstimator(queue: Pick<JobQueue, 'readPace'>, logger: Logger): RetryAfterEstimator {
  const paces = new Map<string, Measured>();

  async function measure(type: string): Promise<void> {
    try {
      const pace = await queue.readPace(type);
      const positions = new Map(pace.firstWaiting?.map((id, index) => [id, index]));
      const readAt = Date.now();
      paces.set(type, { pace, positions, readAt, askedAt: readAt });
    } catch (error) {
      logger.debug({ err: error, type }, 'measuring the pace failed');
    }
  }

  /** The last measurement. One that is too old is still used, while a new one is taken in the background. */
  function measured(type: string): Measured {
    const now = Date.now();
    const last = paces.get(type) ?? { pace: UNKNOWN, positions: undefined, readAt: 0, askedAt: 0 };
    if (now - last.askedAt > PACE_AGE_MS) {
      // Marked as fresh before the answer arrives, so that other requests do not measure too.
      paces.set(type, { ...last, askedAt: now });
      void measure(type);
    }
    return last;
  }
  const estimate = (job: Job): number => {
    const last = measured(job.type);
    return estimateRetryAfter(job, last.pace, Date.now(), beforeOf(job, last));
  };

  return {
    estimate: (job) => (isDone(job) ? null : estimate(job)),
    estimatePosition: (job) => waitingPosition(job, measured(job.type)),
    estimateBatch(type, { running }) {
      const { durationMs = 0, intervalMs, waiting, paused } = measured(type).pace;
      const seconds = toSeconds(Math.max(paused ? PAUSED_MS : 0, waiting * intervalMs + durationMs));
      return running > 0 ? Math.min(MAX_RUNNING_SECONDS, seconds) : seconds;
    },
    estimateRoom(type) {
      const { intervalMs, paused } = measured(type).pace;
      return toSeconds(paused ? PAUSED_MS : intervalMs);
    },
  };
}
