import { z } from 'zod';
import { type Job, type JobFailure, jobFailureSchema } from '../core/job.ts';

/** What BullMQ holds as a job's data. */
export interface JobData {
  /** As the caller sent it. */
  readonly input: unknown;
  readonly requestId: string;
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
  readonly state: 'waiting' | 'active' | 'completed' | 'failed';
  readonly progress: unknown;
  readonly result: unknown;
  readonly failedReason: string | null;
  readonly attemptsMade: number;
  readonly maxAttempts: number;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
}

const progressSchema = z.object({ percentComplete: z.number(), message: z.string().nullable(), at: z.number() });

/** @param retentionMs how long a finished job can be read */
export function toJob(id: string, type: string, record: JobRecord, retentionMs: number): Job {
  // A job without progress holds BullMQ's own default, a number.
  const progress = progressSchema.safeParse(record.progress).data;
  const times = [record.createdAt, record.startedAt, progress?.at, record.finishedAt];
  const base = {
    id,
    type,
    percentComplete: progress?.percentComplete ?? 0,
    message: progress?.message ?? null,
    attempt: record.attemptsMade,
    maxAttempts: record.maxAttempts,
    createdAt: new Date(record.createdAt),
    lastUpdatedAt: new Date(Math.max(...times.map((time) => time ?? 0))),
  };
  const startedAt = record.startedAt === null ? null : new Date(record.startedAt);
  const finishedAt = record.finishedAt ?? 0;
  const finished = { startedAt, finishedAt: new Date(finishedAt), expiresAt: new Date(finishedAt + retentionMs) };
  switch (record.state) {
    case 'waiting':
      return { ...base, status: 'Pending', startedAt };
    case 'active':
      return { ...base, status: 'Running', attempt: record.attemptsMade + 1, startedAt: startedAt ?? base.createdAt };
    case 'completed':
      return { ...base, ...finished, status: 'Succeeded', percentComplete: 100, result: record.result };
    case 'failed':
      return { ...base, ...finished, status: 'Failed', error: toFailure(record.failedReason ?? '') };
  }
}

/** BullMQ keeps one text as the reason of a failure; ours is the error's JSON. */
export function fromFailure({ code, message }: JobFailure): string {
  return JSON.stringify({ code, message });
}

/** BullMQ's own words when a job was taken up too often without an end. */
const STALLED = /^job (stalled more|started more) than allowable limit$/;

function toFailure(failedReason: string): JobFailure {
  if (STALLED.test(failedReason)) {
    return { code: 'JOB_STALLED', message: 'The job was started again and again, and its worker stopped each time.' };
  }
  try {
    return jobFailureSchema.parse(JSON.parse(failedReason));
  } catch {
    return { code: 'JOB_FAILED', message: 'The job failed for an unexpected reason.' };
  }
}
