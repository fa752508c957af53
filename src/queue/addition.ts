import type { NewJob } from '../core/ports.ts';
import type { JobData, JobRecord } from './job-record.ts';

/** How many failed attempts a job's history keeps. */
const HISTORY_LENGTH = 20;

/** A new job in the form that every store takes. */
export interface Addition {
  readonly id: string;
  readonly caller: string;
  /** `JobData` as JSON. */
  readonly data: string;
  /** BullMQ's job options as JSON. */
  readonly options: string;
  readonly attempts: number;
  /** BullMQ's priority: 0 is none and runs first, then 1, 2, … */
  readonly priority: number;
  /** Milliseconds after `timestamp` before which the job does not run. */
  readonly delayMs: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
}

/** The job that already has the id of an addition. */
export interface KeptJob {
  readonly record: JobRecord;
  /** `JobData`, unless another program added the job. */
  readonly data: unknown;
}

export interface AdditionOptions {
  /** Distinguishes one submission under an idempotency key from another. */
  readonly keyed?: Pick<JobData, 'fingerprint' | 'addition'>;
  /** @default 0 */
  readonly priority?: number;
  /** @default 0 */
  readonly delayMs?: number;
}

export function toAddition(
  { id, caller, createdAt, maxAttempts, input, requestId }: NewJob,
  { keyed, priority = 0, delayMs = 0 }: AdditionOptions = {},
): Addition {
  return {
    id,
    caller,
    data: JSON.stringify({ input, requestId, ...keyed } satisfies JobData),
    options: toOptions(maxAttempts, priority, delayMs),
    attempts: maxAttempts,
    priority,
    delayMs,
    timestamp: createdAt.getTime(),
  };
}

/** The worker chooses the backoff, so that a changed job type applies to jobs that were accepted before. */
function toOptions(attempts: number, priority: number, delayMs: number): string {
  return JSON.stringify({
    attempts,
    backoff: { type: 'custom' },
    stackTraceLimit: HISTORY_LENGTH,
    ...(priority > 0 && { priority }),
    ...(delayMs > 0 && { delay: delayMs }),
  });
}
