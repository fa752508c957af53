import { z } from 'zod';
import {
  type Job,
  type JobAttempt,
  type JobFailure,
  type JobStatus,
  type SucceededJob,
  JOB_CANCELED,
  JOB_EXPIRED,
  jobFailureSchema,
} from '../core/job.ts';
import type { NewJob, Postponement } from '../core/ports.ts';
import { traceIdOf } from '../core/trace.ts';
import { fromSubmission, toSubmission } from './job-submission.ts';
import { fromMetadata, toMetadata } from './job-trace.ts';

/** BullMQ's `data` of our jobs. */
export interface JobData {
  /** As the caller sent it. */
  readonly input: unknown;
  readonly requestId: string;
  /** Of the input, for a job with an idempotency key. */
  readonly fingerprint?: string;
  /** Distinguishes the submission that created such a job from its replays. */
  readonly addition?: string;
  /** How many workers the job had lost when it was last quarantined. */
  readonly quarantinedAfter?: number;
  readonly wait?: JobWait | undefined;
}

/** The waits of a job that do not use up attempts. */
export interface JobWait {
  readonly until: Postponement['until'];
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly count: number;
  /** The job's maximum number of attempts meanwhile: a retry raises it, and begins anew. */
  readonly maxAttempts: number;
}

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
  /** @default until the job is scheduled */
  readonly delayMs?: number;
  /** How long the job is kept when it is finished, whichever process removes it. */
  readonly retentionMs?: number;
}

export function toAddition(
  { id, caller, createdAt, maxAttempts, input, options, requestId, trace }: NewJob,
  {
    keyed,
    priority = 0,
    delayMs = Math.max(0, (options?.scheduledFor?.getTime() ?? 0) - createdAt.getTime()),
    retentionMs,
  }: AdditionOptions = {},
): Addition {
  return {
    id,
    caller,
    data: JSON.stringify({ input, requestId, ...keyed } satisfies JobData),
    options: JSON.stringify({
      attempts: maxAttempts,
      // The worker chooses it, so that a changed job type applies to jobs that were accepted before.
      backoff: { type: 'custom' },
      stackTraceLimit: HISTORY_LENGTH,
      ...(priority > 0 && { priority }),
      ...(delayMs > 0 && { delay: delayMs }),
      retentionMs,
      ...(trace && { telemetry: { metadata: toMetadata(trace) } }),
      ...(options && toSubmission(options)),
    }),
    attempts: maxAttempts,
    priority,
    delayMs,
    timestamp: createdAt.getTime(),
  };
}

/** BullMQ's `progress` of our jobs. */
export interface JobProgress {
  readonly percentComplete: number;
  readonly message: string | null;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** One atomic read of a BullMQ job, in the same form from every backend. Times are milliseconds since 1970. */
export interface JobRecord {
  readonly id: string;
  readonly type: string;
  readonly caller: string;
  readonly state: 'waiting' | 'active' | 'completed' | 'failed';
  /** `CANCELED` for a job that was canceled while it ran. */
  readonly mark: string | null;
  readonly progress: unknown;
  /** As JSON. It may be large, so it is parsed on demand. */
  readonly result: string | null;
  readonly failedReason: string | null;
  /** BullMQ's stack traces, which for our jobs are what `toTrace` made of each failed attempt. */
  readonly traces: unknown;
  readonly attemptsMade: number;
  readonly maxAttempts: number;
  /** How long the process that accepted the job keeps it when it is finished; null for jobs of other programs and earlier versions. */
  readonly retentionMs: number | null;
  /** BullMQ's `telemetry.metadata`. */
  readonly trace?: unknown;
  /** What `toSubmission` made of the submission's options. */
  readonly submission?: unknown;
  /** Whether its function has published output. */
  readonly hasOutput?: boolean;
  /** Whether it ended because no attempt began in time. */
  readonly expired?: boolean;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
}

/** A record without its result, as another store wrote it. */
export const endedRecordSchema = z.object({
  id: z.string(),
  type: z.string(),
  caller: z.string(),
  state: z.enum(['waiting', 'active', 'completed', 'failed']),
  mark: z.string().nullable(),
  progress: z.unknown(),
  result: z.null(),
  failedReason: z.string().nullable(),
  traces: z.unknown(),
  attemptsMade: z.number(),
  maxAttempts: z.number(),
  retentionMs: z.number().nullable(),
  trace: z.unknown().optional(),
  submission: z.unknown().optional(),
  expired: z.boolean(),
  createdAt: z.number(),
  startedAt: z.number().nullable(),
  finishedAt: z.number().nullable(),
}) satisfies z.ZodType<JobRecord>;

/** Characters of the results of these jobs, as JSON. */
export function resultCharacters(records: Iterable<JobRecord>): number {
  let characters = 0;
  for (const { result } of records) characters += result?.length ?? 0;
  return characters;
}

export const progressSchema = z.object({ percentComplete: z.number(), message: z.string().nullable(), at: z.number() });

export function statusOf({ state, mark, failedReason }: JobRecord): JobStatus {
  switch (state) {
    case 'waiting':
      return 'Pending';
    case 'active':
      return 'Running';
    // Only an unfinished job is marked, so the cancellation came before the end.
    case 'completed':
      return mark === CANCELED ? 'Canceled' : 'Succeeded';
    case 'failed':
      return mark === CANCELED || failedReason === CANCELED ? 'Canceled' : 'Failed';
  }
}

/** @param ownRetentionMs how long this process keeps a finished job whose record does not say how long */
export function toJob(record: JobRecord, ownRetentionMs: number): Job {
  // A job without progress holds BullMQ's own default, a number.
  const progress = progressSchema.safeParse(record.progress).data;
  const history = toHistory(record.traces);
  const failedAt = history.at(-1)?.finishedAt.getTime();
  const times = [record.createdAt, record.startedAt, progress?.at, failedAt, record.finishedAt];
  const trace = fromMetadata(record.trace);
  const base = {
    id: record.id,
    type: record.type,
    caller: record.caller,
    percentComplete: progress?.percentComplete ?? 0,
    message: progress?.message ?? null,
    attempt: record.attemptsMade,
    maxAttempts: record.maxAttempts,
    createdAt: new Date(record.createdAt),
    lastUpdatedAt: new Date(Math.max(...times.map((time) => time ?? 0))),
    options: fromSubmission(record.submission),
    traceId: trace && traceIdOf(trace),
    ...(record.hasOutput && { hasOutput: true }),
    history,
  };
  const startedAt = record.startedAt === null ? null : new Date(record.startedAt);
  const finishedAt = record.finishedAt ?? 0;
  const finished = {
    startedAt,
    finishedAt: new Date(finishedAt),
    expiresAt: new Date(finishedAt + (record.retentionMs ?? ownRetentionMs)),
  };
  const status = statusOf(record);
  switch (status) {
    case 'Pending':
      return { ...base, status, startedAt };
    case 'Running':
      return {
        ...base,
        status,
        attempt: record.attemptsMade + 1,
        startedAt: startedAt ?? base.createdAt,
        ...(record.mark === CANCELED && { cancelRequested: true }),
      };
    case 'Succeeded':
      return toSucceeded({ ...base, ...finished, status, percentComplete: 100 }, record.result ?? 'null');
    case 'Failed':
      return { ...base, ...finished, status, error: toFailure(record.failedReason ?? '') };
    case 'Canceled':
      return { ...base, ...finished, status, error: record.expired ? JOB_EXPIRED : JOB_CANCELED };
  }
}

function toSucceeded(job: Omit<SucceededJob, 'result'>, json: string): SucceededJob {
  let parsed: { readonly value: unknown } | undefined;
  return {
    ...job,
    get result(): unknown {
      parsed ??= { value: JSON.parse(json) };
      return parsed.value;
    },
  };
}

/** BullMQ stores one text as the reason of a failure. Ours is the error as JSON. */
export function fromFailure({ code, message }: JobFailure): string {
  return JSON.stringify({ code, message });
}

/** The `failedReason` of a canceled job, and the mark of a running one that was canceled. */
export const CANCELED = 'accepted:canceled';

/** @param failedReason of a job that failed */
export function toFailure(failedReason: string): JobFailure {
  try {
    return jobFailureSchema.parse(JSON.parse(failedReason));
  } catch {
    return { code: 'JOB_FAILED', message: 'The job failed for an unexpected reason.' };
  }
}

const traceSchema = z.object({
  attempt: z.int(),
  startedAt: z.number().transform((time) => new Date(time)),
  finishedAt: z.number().transform((time) => new Date(time)),
  error: jobFailureSchema,
});

/**
 * BullMQ stores the error's stack in the same step as the failure. Ours holds what callers may read instead.
 * @param span the `traceparent` of the attempt, to which later attempts link
 */
export function toTrace({ attempt, startedAt, finishedAt, error }: JobAttempt, span?: string): string {
  return JSON.stringify({ attempt, startedAt: startedAt.getTime(), finishedAt: finishedAt.getTime(), error, span });
}

const tracesSchema = z.array(z.string()).catch([]);

function toHistory(traces: unknown): JobAttempt[] {
  return tracesSchema.parse(traces).flatMap((trace) => {
    try {
      return [traceSchema.parse(JSON.parse(trace))];
    } catch {
      // A stack trace of BullMQ's own.
      return [];
    }
  });
}
