import { type Job, isCancelRequested, isDone } from '../job.ts';
import type { JobQueue, Logger, Pace } from '../ports.ts';

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

/** Seconds after which a job may be done, from 1 to 60 (RFC 9110, section 10.2.3). */
export function estimateRetryAfter(job: Job, pace: Pace, now: number): number {
  if (job.status !== 'Running') return toSeconds(estimateMs(job, pace, now));
  return isCancelRequested(job) ? 1 : Math.min(MAX_RUNNING_SECONDS, toSeconds(estimateMs(job, pace, now)));
}

function toSeconds(ms: number): number {
  return Math.min(MAX_SECONDS, Math.max(1, Math.ceil(ms / 1000)));
}

function estimateMs(job: Job, { durationMs = 0, intervalMs, waiting, paused }: Pace, now: number): number {
  // A job's position in the queue is unknown, so the whole queue counts: the estimate may be too long, never too short.
  if (job.status !== 'Running') {
    const dueInMs = (job.options?.scheduledFor?.getTime() ?? 0) - now;
    return Math.max(paused ? PAUSED_MS : 0, dueInMs, waiting * intervalMs + durationMs);
  }
  const elapsed = now - job.startedAt.getTime();
  return elapsed < durationMs ? durationMs - elapsed : elapsed * OVERTIME_SHARE;
}

/** Estimates polling intervals from the pace of each type's queue, measured at most once a second. */
export interface RetryAfterEstimator {
  /** Seconds; null when the job is done. Never waits for the queue: until the first measurement arrives, the estimate is 1. */
  estimate(job: Job): number | null;
  /** Seconds after which a full queue may have room for a job of this type, from 1 to 60. */
  estimateRoom(type: string): number;
}

export function createRetryAfterEstimator(queue: Pick<JobQueue, 'readPace'>, logger: Logger): RetryAfterEstimator {
  const paces = new Map<string, { pace: Pace; measuredAt: number }>();

  async function measure(type: string): Promise<void> {
    try {
      paces.set(type, { pace: await queue.readPace(type), measuredAt: Date.now() });
    } catch (error) {
      logger.debug({ err: error, type }, 'measuring the pace failed');
    }
  }

  /** The last measurement. One that is too old is still used, while a new one is taken in the background. */
  function paceOf(type: string): Pace {
    const now = Date.now();
    const { pace, measuredAt } = paces.get(type) ?? { pace: UNKNOWN, measuredAt: 0 };
    if (now - measuredAt > PACE_AGE_MS) {
      // Marked as fresh before the answer arrives, so that other requests do not measure too.
      paces.set(type, { pace, measuredAt: now });
      void measure(type);
    }
    return pace;
  }

  return {
    estimate: (job) => (isDone(job) ? null : estimateRetryAfter(job, paceOf(job.type), Date.now())),
    estimateRoom(type) {
      const { intervalMs, paused } = paceOf(type);
      return toSeconds(paused ? PAUSED_MS : intervalMs);
    },
  };
}
