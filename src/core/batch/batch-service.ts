/** What the APIs do with batches. */
import { type Caller, isAdmin, requireScope } from '../access/caller.ts';
import type { JobIds } from '../access/job-ids.ts';
import { batchNotFound } from '../errors.ts';
import { typeOfJobId } from '../job-id.ts';
import { type Job, isDone } from '../job.ts';
import { AUDIT, type JobEvents, type JobQueue, type ListPosition, type Logger } from '../ports.ts';
import type { RetryAfterEstimator } from '../service/retry-after.ts';
import { MAX_WAIT_SECONDS } from '../service/follow.ts';
import { type Batch, MAX_BATCH_ITEMS, isBatchDone, tagOfBatch, totalOf } from './batch.ts';
import { createBatchFollower } from './follow-batch.ts';
import type { BatchSubmission, SubmittedBatch } from './submit-batch.ts';

/** Jobs that one step of a cancellation or of the results reads. */
const PAGE = 50;

/** A job of a batch with the index of its item. */
export interface BatchJob {
  readonly index: number;
  readonly job: Job;
}

/** Another caller's batch is indistinguishable from a missing one. A batch whose jobs have all expired is missing, too. */
export interface BatchService {
  /**
   * Accepts a batch. Each input is checked by itself. When this resolves, the queue has stored the jobs of all that are valid, in one step.
   * @throws ServiceError as `submit` does; `invalid-input` for fewer than 1 or more than 1,000 inputs, and where none of them is valid
   */
  submitBatch(submission: BatchSubmission): Promise<SubmittedBatch>;
  /** Needs the scope `read`. Resolves to undefined if there is no such batch. */
  readBatch(id: string, caller: Caller): Promise<Batch | undefined>;
  /**
   * Reads a batch, and resolves when all of its jobs are done, the time is over or the signal is aborted.
   * @param seconds at most 50; more counts as 50
   */
  waitForBatch(id: string, caller: Caller, seconds: number, signal: AbortSignal): Promise<Batch | undefined>;
  /**
   * Yields a batch's state, then each change of its counts, at most twice a second, up to the state in which all of its jobs are done.
   * @throws ServiceError `not-found`
   */
  watchBatch(id: string, caller: Caller, signal: AbortSignal): AsyncGenerator<Batch, void, void>;
  /**
   * Cancels the jobs of a batch that are not done: those that wait at once, and those that run when their worker stops them. Doing it again
   * makes no difference. Needs the scope `submit`.
   * @returns the batch as the cancellation left it
   * @throws ServiceError `not-found`
   */
  cancelBatch(id: string, caller: Caller): Promise<Batch>;
  /**
   * The jobs of a batch in the order of its items, in pages of at most some 2,000,000 characters of results, each read when it is asked for.
   * @throws ServiceError `not-found`
   */
  readBatchJobs(id: string, caller: Caller): Promise<AsyncGenerator<readonly BatchJob[], void, void>>;
  /** Seconds that a poller of a batch should wait, from 1 to 60; null when all of its jobs are done. */
  batchRetryAfter(batch: Batch): number | null;
}

export interface BatchServiceOptions {
  readonly queue: JobQueue;
  readonly jobIds: JobIds;
  readonly events: JobEvents;
  readonly estimator: RetryAfterEstimator;
  readonly logger: Logger;
  /** Whether the queue may have jobs of a type. */
  isType(name: string): boolean;
  isExpired(job: Job): boolean;
  submitBatch(submission: BatchSubmission): Promise<SubmittedBatch>;
  untilStopping(signal: AbortSignal): AbortSignal;
}

export function createBatchService(options: BatchServiceOptions): BatchService {
  const { queue, jobIds, events, estimator, logger, isType, isExpired, submitBatch, untilStopping } = options;

  const idsOf = async (batch: Batch): Promise<readonly string[]> => jobIds.ofBatch(batch, MAX_BATCH_ITEMS);
  const watch = createBatchFollower({
    events,
    read: ({ id, type }) => queue.readBatch(id, type, undefined),
    idsOf,
  });

  async function read(
    action: string,
    id: string,
    caller: Caller,
    scope: 'read' | 'submit',
  ): Promise<Batch | undefined> {
    const reader = requireScope(caller, scope);
    const type = typeOfJobId(id);
    if (type === undefined || !isType(type)) return undefined;
    const batch = await queue.readBatch(id, type, isAdmin(reader) ? undefined : reader.id);
    if (batch !== undefined && batch.caller !== reader.id)
      logger.info({ action: `${action} batch`, caller: reader.id, batchId: id, owner: batch.caller }, AUDIT);
    return batch;
  }

  async function find(action: string, id: string, caller: Caller, scope: 'read' | 'submit' = 'read'): Promise<Batch> {
    const batch = await read(action, id, caller, scope);
    if (batch === undefined) throw batchNotFound();
    return batch;
  }

  async function* readJobs(batch: Batch): AsyncGenerator<readonly BatchJob[], void, void> {
    const ids = await idsOf(batch);
    let left = totalOf(batch.counts);
    // Items that were refused have no job.
    for (let from = 0; from < ids.length && left > 0;) {
      const { jobs } = await queue.readSome(batch.type, ids.slice(from, from + Math.min(PAGE, left)));
      const page = jobs.flatMap((job, index) =>
        job === undefined || isExpired(job) ? [] : [{ index: from + index, job }],
      );
      left -= jobs.filter((job) => job !== undefined).length;
      from += jobs.length;
      if (page.length > 0) yield page;
    }
  }

  return {
    submitBatch,
    readBatch: (id, caller) => read('read', id, caller, 'read'),
    async waitForBatch(id, caller, seconds, signal) {
      let batch = await read('read', id, caller, 'read');
      if (batch === undefined || seconds <= 0) return batch;
      const timeout = AbortSignal.timeout(Math.min(seconds, MAX_WAIT_SECONDS) * 1000);
      for await (const state of watch(batch, AbortSignal.any([untilStopping(signal), timeout]))) batch = state;
      return batch;
    },
    async *watchBatch(id, caller, signal) {
      yield* watch(await find('read', id, caller), untilStopping(signal));
    },
    async cancelBatch(id, caller) {
      const batch = await find('cancel', id, caller, 'submit');
      const { type } = batch;
      let after: ListPosition | undefined;
      for (;;) {
        const page = await queue.list({
          caller: batch.caller,
          types: [type],
          statuses: ['Pending', 'Running'],
          tag: tagOfBatch(id),
          after,
          limit: PAGE,
        });
        const ids = page.jobs.filter((job) => !isDone(job)).map((job) => job.id);
        if (ids.length > 0) await queue.cancelAll(type, ids);
        after = page.jobs.at(-1);
        if (!page.hasMore || after === undefined) break;
      }
      return (await queue.readBatch(id, type, batch.caller)) ?? batch;
    },
    readBatchJobs: async (id, caller) => readJobs(await find('read', id, caller)),
    batchRetryAfter: (batch) => (isBatchDone(batch) ? null : estimator.estimateBatch(batch.type, batch.counts)),
  };
}
