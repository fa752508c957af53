import { type Job, isDone } from '../job.ts';
import type { JobQueue, Logger, Pace } from '../ports.ts';

/** A poller is never told to wait longer, in seconds. */
const MAX_SECONDS = 60;
/** A job that runs longer than usual is asked for after this part of the time that it has run. */
const OVERTIME_SHARE = 0.2;
/** How long a pace is used before it is measured again, in milliseconds. */
const PACE_AGE_MS = 1000;

const UNKNOWN: Pace = { durationMs: undefined, intervalMs: 0, waiting: 0 };

/** Seconds after which a job may be done, from 1 to 60 (RFC 9110, section 10.2.3). */
export function estimateRetryAfter(job: Job, pace: Pace, now: number): number {
  return toSeconds(estimateMs(job, pace, now));
}

function toSeconds(ms: number): number {
  return Math.min(MAX_SECONDS, Math.max(1, Math.ceil(ms / 1000)));
}

function estimateMs(job: Job, { durationMs = 0, intervalMs, waiting }: Pace, now: number): number {
  // The queue in front of a job can't be told from the one behind it; a job that waits long is told to wait too long at most.
  if (job.status !== 'Running') return waiting * intervalMs + durationMs;
  const elapsed = now - job.startedAt.getTime();
  return elapsed < durationMs ? durationMs - elapsed : elapsed * OVERTIME_SHARE;
}

/** Tells pollers how long to wait, from what the queue says of each type, measured at most once a second. */
export interface RetryAfterEstimator {
  /** Never waits for the queue: until it has answered, a poller is told to wait one second. Null when the job is done. */
  estimate(job: Job): number | null;
  /** Seconds after which a job of a type that is full may have left its queue, from 1 to 60. */
  estimateRoom(type: string): number;
}

export function createRetryAfterEstimator(queue: JobQueue, logger: Logger): RetryAfterEstimator {
  const paces = new Map<string, { pace: Pace; measuredAt: number }>();

  async function measure(type: string): Promise<void> {
    try {
      paces.set(type, { pace: await queue.readPace(type), measuredAt: Date.now() });
    } catch (error) {
      logger.debug({ err: error, type }, 'the pace could not be measured');
    }
  }

  /** The last measurement, which is renewed for the next question. */
  function paceOf(type: string): Pace {
    const now = Date.now();
    const { pace, measuredAt } = paces.get(type) ?? { pace: UNKNOWN, measuredAt: 0 };
    if (now - measuredAt > PACE_AGE_MS) {
      // Until the answer is there, nobody else asks.
      paces.set(type, { pace, measuredAt: now });
      void measure(type);
    }
    return pace;
  }

  return {
    estimate: (job) => (isDone(job) ? null : estimateRetryAfter(job, paceOf(job.type), Date.now())),
    estimateRoom: (type) => toSeconds(paceOf(type).intervalMs),
  };
}
