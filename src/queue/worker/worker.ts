import { setTimeout as delay } from 'node:timers/promises';
import type { Job } from 'bullmq';
import { settlesWithin, withDeadline } from '../../core/deadline.ts';
import type { JobType, Use } from '../../core/define-job.ts';
import type { JobWorker, Logger } from '../../core/ports.ts';
import type { BackendWorker, BackendWorkerOptions, QueueBackend } from '../backend.ts';
import { createProcessor } from './processor.ts';
import type { JobData } from '../job-record.ts';
import { createRunningJobs } from './running-jobs.ts';
import { watchCancellation } from './cancellation.ts';
import { watchLocks } from './locks.ts';

/** A worker that says nothing for so long has lost its jobs. */
const LOCK_MS = 8000;
/** How often a worker says something. */
const RENEW_MS = 2000;
/** It takes its jobs as lost so much earlier: clocks differ, and a renewal takes its time. */
const LOCK_MARGIN_MS = 1000;
/** How often each worker looks for jobs of lost ones: less than 15 s after a worker was killed, its jobs run again. */
const STALLED_CHECK_MS = 3000;
/** Milliseconds a worker waits before it talks to a store again that was away. */
const RECONNECT_MS = 1000;
/** Handing jobs back takes a few round trips. */
const HAND_BACK_MS = 3000;
/** No wait is longer: a day. */
const MAX_BACKOFF_MS = 86_400_000;
/** The random part of the wait for the next attempt. */
const JITTER = 0.5;

export interface BullmqWorkerOptions {
  readonly backend: QueueBackend;
  readonly types: readonly JobType[];
  /** Jobs of one type at a time, where the type does not say. */
  readonly concurrency: number;
  readonly use: Use;
  readonly logger: Logger;
}

/** Starts one BullMQ worker for each job type, over a store that is connected. */
export function startBullmqWorkers({ backend, types, concurrency, use, logger }: BullmqWorkerOptions): JobWorker {
  const closing = new AbortController();

  /** As often as it takes: a store that was there may be away for a moment. Undefined when closed before. */
  const start = async (create: () => Promise<BackendWorker>): Promise<BackendWorker | undefined> => {
    while (!closing.signal.aborted) {
      try {
        return await create();
      } catch (error) {
        logger.warn({ err: error }, 'a worker could not be started; trying on');
        await delay(RECONNECT_MS);
      }
    }
    return undefined;
  };

  const workers = types.map((type) => {
    const { name } = type;
    const running = createRunningJobs();
    const watches = [
      watchCancellation(running, (ids) => backend.readMarked(name, ids), logger),
      watchLocks(running, LOCK_MS - LOCK_MARGIN_MS),
    ];
    /** A job that was canceled while it ran, and then did not end, waits for nothing any more. */
    const endIfMarked = async (job: Job<JobData>): Promise<void> => {
      try {
        const deadline = performance.now() + HAND_BACK_MS;
        await withDeadline(backend.cancel(name, job.id ?? '', { onlyMarked: true, deadline }), HAND_BACK_MS);
      } catch (error) {
        // It ends when a worker takes it up.
        logger.debug({ err: error, jobId: job.id }, 'a canceled job could not be ended yet');
      }
    };
    const process = createProcessor({ type, running, endIfMarked, use, logger });
    const options: BackendWorkerOptions = {
      concurrency: type.concurrency ?? concurrency,
      lockDuration: LOCK_MS,
      // BullMQ looks twice in that time.
      lockRenewTime: RENEW_MS,
      onRenewed: running.lockedAgain,
      onLost(ids) {
        for (const id of ids) running.interrupt(id, 'lost');
      },
      stalledInterval: STALLED_CHECK_MS,
      // The processor counts, so that each job that fails does so by its hand.
      maxStalledCount: 1_000_000,
      runRetryDelay: RECONNECT_MS,
      settings: { backoffStrategy: (_attemptsMade, _name, _error, job) => backoffMs(type, job) },
      onFailed: (job) => {
        if (job.finishedOn === undefined) void endIfMarked(job);
      },
    };
    return { running, watches, worker: start(() => backend.createWorker(name, process, options)) };
  });
  return {
    async close(graceMs) {
      closing.abort();
      try {
        const closed = Promise.all(workers.map(async ({ worker }) => (await worker)?.close()));
        if (await settlesWithin(closed, graceMs)) return;
        for (const { running } of workers) running.handBack();
        if (await settlesWithin(closed, HAND_BACK_MS)) return;
        // The store is away: its jobs are taken up again when their locks run out.
        logger.warn({}, 'some jobs could not be handed back in time');
      } finally {
        for (const end of workers.flatMap(({ watches }) => watches)) end();
      }
    },
  };
}

/** Twice as long before each further attempt, less a random part. A retry begins anew. */
function backoffMs({ attempts, backoffSeconds }: JobType, job: Pick<Job, 'attemptsMade' | 'opts'> | undefined): number {
  const attemptsMade = (job?.attemptsMade ?? 0) + 1;
  // The type may have had fewer attempts when the job was accepted.
  const beforeRetry = Math.max(0, (job?.opts.attempts ?? attempts) - attempts);
  const longest = Math.min(MAX_BACKOFF_MS, backoffSeconds * 1000 * 2 ** Math.max(0, attemptsMade - beforeRetry - 1));
  return Math.round(longest * (1 - JITTER * Math.random()));
}
