import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { DelayedError, type Job, UnrecoverableError, WaitingError } from 'bullmq';
import { settlesWithin, withDeadline } from '../core/deadline.ts';
import type { JobType } from '../core/define-job.ts';
import type { JobFailure } from '../core/job.ts';
import type { JobWorker, Logger } from '../core/ports.ts';
import type { Use } from '../core/provider.ts';
import { runAttempt } from '../core/run-job.ts';
import type { BullmqConsumer, ConsumerOptions, JobProcessor, QueueBackend } from './backend.ts';
import { CANCELED, type JobData, type JobProgress, fromFailure, toTrace } from './job-record.ts';
import { type WorkerCancellation, watchCancellation } from './worker-cancellation.ts';
import { type WorkerLocks, watchLocks } from './worker-locks.ts';

/** A worker that says nothing for so long has lost its jobs. */
const LOCK_MS = 8000;
/** How often a worker says something. */
const RENEW_MS = 2000;
/** It takes its jobs as lost so much earlier: clocks differ, and a renewal takes its time. */
const LOCK_MARGIN_MS = 1000;
/** How often each worker looks for jobs of lost ones: less than 15 s after a worker was killed, its jobs run again. */
const STALLED_CHECK_MS = 3000;
/** How often a job may lose its worker before it fails. */
const MAX_LOST_WORKERS = 3;
/** A job that lost its worker waits up to so many milliseconds before it runs again, and twice as long after each further loss. */
const SET_APART_MS = 1500;
const JOB_STALLED: JobFailure = {
  code: 'JOB_STALLED',
  message: 'The job was started again and again, and its worker stopped each time.',
};
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
  const handBack = new AbortController();
  // Each running job listens.
  setMaxListeners(0, handBack.signal);
  const watches: { close(): void }[] = [];
  const closing = new AbortController();

  /** As often as it takes: a store that was there may be away for a moment. Undefined when closed before. */
  const start = async (create: () => Promise<BullmqConsumer>): Promise<BullmqConsumer | undefined> => {
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

  const consumers = types.map((type) => {
    const { name } = type;
    const cancellation = watchCancellation((ids) => backend.readMarked(name, ids), logger);
    const locks = watchLocks(LOCK_MS - LOCK_MARGIN_MS);
    watches.push(cancellation, locks);
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
    const process = createProcessor({ type, handBack: handBack.signal, cancellation, locks, endIfMarked, use, logger });
    const options: ConsumerOptions = {
      concurrency: type.concurrency ?? concurrency,
      lockDuration: LOCK_MS,
      // BullMQ looks twice in that time.
      lockRenewTime: RENEW_MS,
      onRenewed: locks.renewed,
      onLost: locks.lost,
      stalledInterval: STALLED_CHECK_MS,
      // The processor counts, so that each job that fails does so by its hand.
      maxStalledCount: 1_000_000,
      runRetryDelay: RECONNECT_MS,
      settings: { backoffStrategy: (_attemptsMade, _name, _error, job) => backoffMs(type, job) },
      onFailed: (job) => {
        if (job.finishedOn === undefined) void endIfMarked(job);
      },
    };
    return start(() => backend.createConsumer(name, process, options));
  });
  return {
    async close(graceMs) {
      closing.abort();
      try {
        const closed = Promise.all(consumers.map(async (consumer) => (await consumer)?.close()));
        if (await settlesWithin(closed, graceMs)) return;
        handBack.abort();
        if (await settlesWithin(closed, HAND_BACK_MS)) return;
        // The store is away: its jobs are taken up again when their locks run out.
        logger.warn({}, 'some jobs could not be handed back in time');
      } finally {
        for (const watch of watches) watch.close();
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

interface ProcessorOptions {
  readonly type: JobType;
  readonly handBack: AbortSignal;
  readonly cancellation: WorkerCancellation;
  readonly locks: WorkerLocks;
  endIfMarked(job: Job<JobData>): Promise<void>;
  readonly use: Use;
  readonly logger: Logger;
}

function createProcessor(options: ProcessorOptions): JobProcessor {
  const { type, handBack, cancellation, locks, endIfMarked, use, logger } = options;
  return async (job, token) => {
    const id = job.id ?? '';
    const attempt = job.attemptsMade + 1;
    const startedAt = job.processedOn ?? Date.now();
    let toldAt = startedAt;
    const log = logger.child({ jobId: id, type: type.name, attempt, requestId: job.data.requestId });
    const toError = (error: JobFailure, retry: boolean): Error => {
      const Kind = retry ? Error : UnrecoverableError;
      const trace = { attempt, startedAt: new Date(startedAt), finishedAt: new Date(), error };
      return Object.assign(new Kind(fromFailure(error)), { stack: toTrace(trace) });
    };
    if (job.stalledCounter > MAX_LOST_WORKERS) throw toError(JOB_STALLED, false);
    if (job.stalledCounter > 0 && job.data.setApart !== job.stalledCounter) {
      await setApart(job, token);
      await endIfMarked(job);
      throw new DelayedError();
    }

    const { signal: cancel, end: endCancellation } = cancellation.watch(id);
    const { signal: lost, end: endLock } = locks.watch(id);
    const outcome = await runAttempt(type, {
      id,
      attempt,
      input: job.data.input,
      handBack,
      cancel,
      lost,
      log,
      use,
      writeProgress: (progress) => {
        // No two have the same time: it tells one state from another.
        toldAt = Math.max(Date.now(), toldAt + 1);
        return writeProgress(job, { ...progress, at: toldAt }, log);
      },
    }).finally(() => {
      endCancellation();
      endLock();
    });
    const durationMs = Date.now() - startedAt;
    switch (outcome.kind) {
      case 'succeeded':
        log.info({ durationMs }, 'job succeeded');
        return outcome.result;
      case 'failed':
        log.warn({ durationMs, code: outcome.error.code }, 'job attempt failed');
        throw toError(outcome.error, outcome.retry);
      case 'canceled':
        log.info({ durationMs }, 'job canceled');
        throw Object.assign(toError(outcome.error, false), { message: CANCELED });
      case 'lost':
        log.warn({ durationMs }, 'job lost to another worker');
        // BullMQ leaves the job alone after this error.
        throw new WaitingError();
      case 'handed-back':
        log.info({ durationMs }, 'job handed back');
        await job.moveToWait(token);
        await endIfMarked(job);
        throw new WaitingError();
    }
  };
}

/** Has a job wait that lost its worker: those that died with it go on without it, if it is the one that kills. */
async function setApart(job: Job<JobData>, token: string | undefined): Promise<void> {
  await job.updateData({ ...job.data, setApart: job.stalledCounter });
  const longest = SET_APART_MS * 2 ** (job.stalledCounter - 1);
  await job.moveToDelayed(Date.now() + Math.round(longest * Math.random()), token);
}

/** Progress is news, not the work: a job does not fail because it could not be told. */
async function writeProgress(job: Job<JobData>, progress: JobProgress, log: Logger): Promise<void> {
  try {
    await job.updateProgress({ ...progress });
  } catch (error) {
    log.warn({ err: error }, 'progress could not be written');
  }
}
