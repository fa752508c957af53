import { ATTEMPTS } from './customers.ts';

export type Status = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

/** A job in any of the queues. Times are milliseconds since 1970. */
export interface QueuedJob {
  readonly id: string;
  readonly status: Status;
  readonly attempt: number;
  readonly createdAt: number;
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  readonly result: unknown;
}

const dateOf = (time: number | undefined): string | null => (time === undefined ? null : new Date(time).toISOString());

/** A reply of the size of Accepted's. @param base such as `http://127.0.0.1:4000` */
export function toReply({ id, status, attempt, createdAt, startedAt, finishedAt, result }: QueuedJob, base: string) {
  const succeeded = status === 'Succeeded';
  const done = succeeded || status === 'Failed';
  return {
    id,
    type: 'customer',
    status,
    done,
    percentComplete: succeeded ? 100 : 0,
    message: null,
    attempt,
    maxAttempts: ATTEMPTS,
    createdAt: dateOf(createdAt),
    lastUpdatedAt: dateOf(finishedAt ?? startedAt ?? createdAt),
    startedAt: dateOf(startedAt),
    finishedAt: dateOf(finishedAt),
    expiresAt: dateOf(finishedAt),
    error: status === 'Failed' ? { code: 'JOB_FAILED', message: 'The job failed.' } : null,
    statusUrl: `${base}/api/jobs/${id}`,
    resultUrl: succeeded ? `${base}/api/jobs/${id}/result` : null,
    resourceUrl: null,
    retryAfter: done ? null : 1,
    result: succeeded ? result : null,
  };
}

export type Reply = ReturnType<typeof toReply>;
