import type { NewJob } from '../core/ports.ts';
import type { JobData, JobRecord } from './job-record.ts';

/** Attempts that a job's history keeps. */
const HISTORY_LENGTH = 20;

/** A new job as the stores take it. */
export interface Addition {
  readonly id: string;
  readonly caller: string;
  /** JobData, as JSON. */
  readonly data: string;
  /** BullMQ's options of the job, as JSON. */
  readonly options: string;
  readonly attempts: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
}

/** A job that a store has under the id of an addition. */
export interface KeptJob {
  readonly record: JobRecord;
  /** JobData, if it is one of ours. */
  readonly data: unknown;
}

/** @param keyed what tells one submission with an idempotency key from another */
export function toAddition(
  { id, caller, createdAt, maxAttempts, input, requestId }: NewJob,
  keyed?: Pick<JobData, 'fingerprint' | 'addition'>,
): Addition {
  return {
    id,
    caller,
    data: JSON.stringify({ input, requestId, ...keyed } satisfies JobData),
    options: optionsFor(maxAttempts),
    attempts: maxAttempts,
    timestamp: createdAt.getTime(),
  };
}

const optionTexts = new Map<number, string>();

/** All jobs of a type have the same. */
function optionsFor(attempts: number): string {
  const known = optionTexts.get(attempts);
  if (known !== undefined) return known;
  // The workers know how long to wait before another attempt.
  const text = JSON.stringify({ attempts, backoff: { type: 'custom' }, stackTraceLimit: HISTORY_LENGTH });
  optionTexts.set(attempts, text);
  return text;
}
