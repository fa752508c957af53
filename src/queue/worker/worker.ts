import { setTimeout as delay } from 'node:timers/promises';
import type { Job } from 'bullmq';
import { settlesWithin, withDeadline } from '../../core/deadline.ts';
import type { JobType } from '../../core/define-job.ts';
import type { JobFiles } from '../../core/files/attempt-files.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { JobWorker, Logger } from '../../core/ports.ts';
import type { Use } from '../../core/register.ts';
import type { Tracer } from '../../core/tracer.ts';
import { isConnectionError } from '../../stores/connection-error.ts';
import type { BackendWorker, BackendWorkerOptions, QueueBackend } from '../backend.ts';
import { traceIdOfJob } from './attempt-span.ts';
import { createProcessor } from './processor.ts';
import { createEndCounts } from './end-counts.ts';
import { CANCELED, type JobData, toFailure } from '../job-record.ts';
import { fromSubmission } from '../job-submission.ts';
import { whenLeft } from './leaving.ts';
import { renewWhileBlocked } from './lock-thread.ts';
import { createRunningJobs, watchCancellation, watchLocks } from './running-jobs.ts';

/** How long a job's lock lasts without a renewal. */
const LOCK_MS = 8000;
/** How often a worker renews its locks. */
const RENEW_MS = 2000;
/** The worker gives its jobs up so much before their locks expire, because clocks differ and a renewal takes time. */
const LOCK_MARGIN_MS = 1000;
/** How often each worker looks for jobs of lost workers, so that these run again less than 15 s after a worker was killed. */
const STALLED_CHECK_MS = 1500;
/** Milliseconds before a worker tries an unavailable store again. */
const RECONNECT_MS = 1000;
/** The longest wait for running jobs to be handed back, in milliseconds: a few round trips. */
const HAND_BACK_MS = 3000;
/** The most jobs that a line of the log names. */
const MAX_NAMED_JOBS = 20;
/** The longest backoff: a day. */
const MAX_BACKOFF_MS = 86_400_000;
/** The random part of a backoff. */
const JITTER = 0.5;

export interface BullmqWorkerOptions {
  readonly backend: QueueBackend;
  /** Of the store; undefined for one that this process alone uses. */
  readonly url: string | undefined;
  readonly types: readonly JobType[];
  /** Jobs of one type at a time, for types that set none. */
  readonly concurrency: number;
  readonly use: Use;
  /** Undefined where no job type has any. */
  readonly files?: JobFiles | undefined;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Undefined: attempts are not recorded. */
  readonly tracer?: Tracer | undefined;
  /** Called after the end of a job with a webhook. */
  readonly onWebhook?: (() => void) | undefined;
}

/** Starts one BullMQ worker for each job type. The store must be connected. */
export function startBullmqWorkers({
  backend,
  url,
  types,
  concurrency,
  use,
  files,
  logger,
  metrics,
  tracer,
  onWebhook,
}: BullmqWorkerOptions): JobWorker {
  const closing = new AbortController();
  const onBeat = (blockedMs: number): void => {
    // A function that blocks the thread and returns has ended before the beat.
    const jobIds = workers.flatMap(({ running }) => [
      ...running.takeEnded(),
      ...(blockedMs === 0 ? [] : running.ids()),
    ]);
    if (blockedMs === 0) return;
    const fields = { blockedMs, jobIds: jobIds.slice(0, MAX_NAMED_JOBS) };
    logger.warn(fields, 'something blocked the thread of this process, perhaps the function of one of these jobs');
  };

  const blockedLocks = renewWhileBlocked({
    url,
    onBeat,
    onFailure: (reason) => logger.warn({ reason }, 'could not renew the locks of a blocked thread'),
  });

  /** Tries until it succeeds, because the store may be unavailable for a moment. Undefined if it was closed before. */
  const start = async (create: () => Promise<BackendWorker>): Promise<BackendWorker | undefined> => {
    let isLogged = false;
    while (!closing.signal.aborted) {
      try {
        const created = await create();
        if (isLogged) logger.info({}, 'a worker has started after all');
        return created;
      } catch (error) {
        // That the store is unavailable is logged once, for the whole process.
        if (error instanceof Error && isConnectionError(error)) {
          logger.debug({ err: error }, 'could not reach the store to start a worker');
        } else if (!isLogged) {
          isLogged = true;
          logger.warn({ err: error }, 'could not start a worker; retrying');
        }
        await delay(RECONNECT_MS);
      }
    }
    return undefined;
  };

  const workers = types.map((type) => {
    const { name } = type;
    const running = createRunningJobs();
    const ends = createEndCounts((counts) => backend.addEnds(name, counts), logger);
    const watches = [watchCancellation(running, (ids) => backend.readMarked(name, ids), logger)];
    if (!backend.exclusive) {
      watches.push(watchLocks(running, LOCK_MS - LOCK_MARGIN_MS, blockedLocks.renewedAt));
    }
    /** Ends a job that was canceled while it ran and that waits again, so that it does not wait for a worker first. */
    const endIfMarked = async (job: Job<JobData>): Promise<void> => {
      try {
        const deadline = performance.now() + HAND_BACK_MS;
        await withDeadline(backend.cancel(name, job.id ?? '', { onlyMarked: true, deadline }), HAND_BACK_MS);
      } catch (error) {
        // A worker ends it when it takes the job.
        logger.debug({ err: error, jobId: job.id }, 'could not end a canceled job yet');
      }
    };
    const slots = type.concurrencyPerCaller === undefined ? undefined : { most: type.concurrencyPerCaller };
    const takeSlot =
      slots && (async (id: string, token: string) => (await backend.takeSlot(name, id, { ...slots, token })) === 'run');
    const begin = (id: string, token: string): Promise<boolean> => backend.begin(name, id, token);
    const { storeOutput } = backend;
    const process = createProcessor({
      type,
      running,
      endIfMarked,
      takeSlot,
      begin,
      storeOutput,
      use,
      files,
      logger,
      metrics,
      tracer,
    });
    /** Lets the next job of the caller go on. That a failure keeps from that, every process does within a second. */
    const freeSlot = async (most: number, id: string): Promise<void> => {
      try {
        await withDeadline(backend.freeSlots(name, most, id), HAND_BACK_MS);
      } catch (error) {
        logger.debug({ err: error, jobId: id }, 'could not let the next job of a caller go on yet');
      }
    };
    const options: BackendWorkerOptions = {
      ...(slots && { measure: (steps) => whenLeft(steps, (id) => void freeSlot(slots.most, id)) }),
      concurrency: type.concurrency ?? concurrency,
      lockDuration: LOCK_MS,
      // BullMQ checks twice in that time.
      lockRenewTime: RENEW_MS,
      onRenewed: running.lockedAgain,
      onLost(ids) {
        for (const id of ids) running.interrupt(id, 'lost');
      },
      stalledInterval: STALLED_CHECK_MS,
      // The processor limits lost workers, so that the job fails with an error code.
      maxStalledCount: 1_000_000,
      runRetryDelay: RECONNECT_MS,
      onCompleted(job) {
        ends.add('succeeded');
        metrics.jobEnded(name, 'Succeeded');
        if (hasWebhook(job)) onWebhook?.();
        logSuccess(job, name, logger);
      },
      settings: { backoffStrategy: (_attemptsMade, _name, _error, job) => backoffMs(type, job) },
      onFailed(job) {
        if (job.finishedOn !== undefined && hasWebhook(job)) onWebhook?.();
        if (job.finishedOn === undefined) void endIfMarked(job);
        else if (job.failedReason === CANCELED) metrics.jobEnded(name, 'Canceled', 'JOB_CANCELED');
        else {
          ends.add('failed');
          metrics.jobEnded(name, 'Failed', toFailure(job.failedReason).code);
        }
      },
    };
    const worker = start(async () => {
      await blockedLocks.ready;
      const created = await backend.createWorker(name, process, options);
      const token = `${created.id}:`;
      blockedLocks.add({ type: name, token, timeoutMs: type.timeoutSeconds * 1000, lockMs: LOCK_MS });
      return created;
    });
    return { running, ends, watches, worker };
  });
  const closeWorker = async (worker: BackendWorker | undefined): Promise<void> => {
    await worker?.close();
    if (worker) blockedLocks.remove(`${worker.id}:`);
  };
  return {
    async close(graceMs) {
      closing.abort();
      try {
        const closed = Promise.all(workers.map(async ({ worker }) => closeWorker(await worker)));
        if (await settlesWithin(closed, graceMs)) return;
        for (const { running } of workers) running.handBack();
        if (await settlesWithin(closed, HAND_BACK_MS)) return;
        // The store is unavailable: other workers take the jobs when their locks expire.
        logger.warn({}, 'some jobs could not be handed back in time');
      } finally {
        for (const end of workers.flatMap(({ watches }) => watches)) end();
        await Promise.all(workers.map(({ ends }) => ends.close()));
        blockedLocks.close();
      }
    },
  };
}

function hasWebhook({ opts }: Pick<Job, 'opts'>): boolean {
  return 'submission' in opts && fromSubmission(opts.submission)?.webhook !== undefined;
}

/** Doubles with each attempt, less a random part, and starts again after a retry. */
function backoffMs({ attempts, backoffSeconds }: JobType, job: Pick<Job, 'attemptsMade' | 'opts'> | undefined): number {
  const attemptsMade = (job?.attemptsMade ?? 0) + 1;
  // Attempts before an explicit retry, which adds the type's number of attempts to the job's.
  const beforeRetry = Math.max(0, (job?.opts.attempts ?? attempts) - attempts);
  const longest = Math.min(MAX_BACKOFF_MS, backoffSeconds * 1000 * 2 ** Math.max(0, attemptsMade - beforeRetry - 1));
  return Math.round(longest * (1 - JITTER * Math.random()));
}

/** Only the store's answer makes a success: the job may have been lost to another worker meanwhile. */
function logSuccess(job: Job<JobData>, type: string, logger: Logger): void {
  const { id: jobId, attemptsMade: attempt, processedOn = 0, finishedOn = processedOn } = job;
  logger.info(
    {
      jobId,
      type,
      attempt,
      requestId: job.data?.requestId,
      traceId: traceIdOfJob(job),
      durationMs: finishedOn - processedOn,
    },
    'job succeeded',
  );
}
