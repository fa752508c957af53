import { z } from 'zod';
import {
  type Job,
  type JobAttempt,
  type JobFailure,
  type JobStatus,
  type SucceededJob,
  JOB_CANCELED,
  jobFailureSchema,
} from '../core/job.ts';

/** What BullMQ holds as a job's data. */
export interface JobData {
  /** As the caller sent it. */
  readonly input: unknown;
  readonly requestId: string;
  /** Of the input, where an idempotency key stands for the job. */
  readonly fingerprint?: string;
  /** Tells the submission that made such a job from those that come after it. */
  readonly addition?: string;
  /** The number of its lost worker after which the job was last kept apart from others. */
  readonly quarantinedAfter?: number;
}

/** What a worker stores as a job's progress. */
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
  /** That of a job which was canceled while it ran. */
  readonly mark: string | null;
  readonly progress: unknown;
  /** As JSON; it may be large, so it is parsed when somebody asks for it. */
  readonly result: string | null;
  readonly failedReason: string | null;
  /** BullMQ's stack traces: here what `toTrace` made of each attempt that failed. */
  readonly traces: unknown;
  readonly attemptsMade: number;
  readonly maxAttempts: number;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
}

export const progressSchema = z.object({ percentComplete: z.number(), message: z.string().nullable(), at: z.number() });

export function statusOf({ state, mark, failedReason }: JobRecord): JobStatus {
  switch (state) {
    case 'waiting':
      return 'Pending';
    case 'active':
      return 'Running';
    // The mark is only set before a job is done: it came first, and what the function came to was too late.
    case 'completed':
      return mark === CANCELED ? 'Canceled' : 'Succeeded';
    case 'failed':
      return mark === CANCELED || failedReason === CANCELED ? 'Canceled' : 'Failed';
  }
}

/** @param retentionMs how long a finished job can be read */
export function toJob(record: JobRecord, retentionMs: number): Job {
  // A job without progress holds BullMQ's own default, a number.
  const progress = progressSchema.safeParse(record.progress).data;
  const history = toHistory(record.traces);
  const failedAt = history.at(-1)?.finishedAt.getTime();
  const times = [record.createdAt, record.startedAt, progress?.at, failedAt, record.finishedAt];
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
    history,
  };
  const startedAt = record.startedAt === null ? null : new Date(record.startedAt);
  const finishedAt = record.finishedAt ?? 0;
  const finished = { startedAt, finishedAt: new Date(finishedAt), expiresAt: new Date(finishedAt + retentionMs) };
  const status = statusOf(record);
  switch (status) {
    case 'Pending':
      return { ...base, status, startedAt };
    case 'Running':
      return { ...base, status, attempt: record.attemptsMade + 1, startedAt: startedAt ?? base.createdAt };
    case 'Succeeded':
      return toSucceeded({ ...base, ...finished, status, percentComplete: 100 }, record.result ?? 'null');
    case 'Failed':
      return { ...base, ...finished, status, error: toFailure(record.failedReason ?? '') };
    case 'Canceled':
      return { ...base, ...finished, status, error: JOB_CANCELED };
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

/** BullMQ keeps one text as the reason of a failure; ours is the error's JSON. */
export function fromFailure({ code, message }: JobFailure): string {
  return JSON.stringify({ code, message });
}

/** The reason of a failure by which a canceled job is known, and the mark of one that shall end so. */
export const CANCELED = 'accepted:canceled';

function toFailure(failedReason: string): JobFailure {
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

/** BullMQ stores the stack of an attempt's error in one step with its failure; ours is what callers may know of it. */
export function toTrace({ attempt, startedAt, finishedAt, error }: JobAttempt): string {
  return JSON.stringify({ attempt, startedAt: startedAt.getTime(), finishedAt: finishedAt.getTime(), error });
}

const tracesSchema = z.array(z.string()).catch([]);

function toHistory(traces: unknown): JobAttempt[] {
  return tracesSchema.parse(traces).flatMap((trace) => {
    try {
      return [traceSchema.parse(JSON.parse(trace))];
    } catch {
      // A stack of BullMQ's own.
      return [];
    }
  });
}
