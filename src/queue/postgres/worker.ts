import { type PgPool, type PostgresQueueBackend, Worker, createPostgresBackend } from 'bullmq';
import type { BackendWorker, BackendWorkerOptions, JobProcessor } from '../backend.ts';
import { readyOrClosed } from './ready-or-closed.ts';
import { STATEMENTS } from './statements.ts';

export interface PostgresWorkerOptions {
  readonly type: string;
  readonly pool: PgPool;
  onError(error: Error): void;
}

/** BullMQ's worker, with BullMQ's functions; a job's result is stored apart from BullMQ's return value. */
export async function createPostgresWorker(
  { type, pool, onError }: PostgresWorkerOptions,
  processor: JobProcessor,
  { onFailed, onRenewed, onLost, ...options }: BackendWorkerOptions,
): Promise<BackendWorker> {
  const createBackend: typeof createPostgresBackend = (...of) =>
    withStoredResults(createPostgresBackend(...of), pool, type);
  const worker = new Worker(type, processor, { ...options, connection: pool, autorun: false }, createBackend);
  worker.on('error', onError);
  worker.on('locksRenewed', ({ jobIds }) => onRenewed(jobIds));
  worker.on('lockRenewalFailed', onLost);
  worker.on('failed', (job) => job && onFailed(job));
  await readyOrClosed(worker);
  worker.run().catch(onError);
  return worker;
}

/** A parent in a flow reads the return values of its children, so BullMQ gets those too. */
function withStoredResults(backend: PostgresQueueBackend, pool: PgPool, type: string): PostgresQueueBackend {
  const moveToCompleted = backend.moveToCompleted.bind(backend);
  return Object.assign(backend, {
    async moveToCompleted(job, result, keep, token, fetchNext) {
      await pool.query(STATEMENTS.storeResult.text, [type, job.id, token, JSON.stringify(result ?? null)]);
      const returnValue = job.parentKey === undefined ? null : result;
      return moveToCompleted<unknown, unknown>(job, returnValue, keep, token, fetchNext);
    },
  } satisfies Partial<PostgresQueueBackend>);
}
