import { setMaxListeners } from 'node:events';
import { type Job, UnrecoverableError, WaitingError } from 'bullmq';
import { settlesWithin } from '../core/deadline.ts';
import type { JobType } from '../core/define-job.ts';
import type { JobWorker, Logger } from '../core/ports.ts';
import type { Use } from '../core/provider.ts';
import { runAttempt } from '../core/run-job.ts';
import type { BullmqConsumer, JobProcessor, QueueBackend } from './backend.ts';
import { type JobData, type JobProgress, fromFailure } from './job-record.ts';

/** A worker that says nothing for so long has lost its jobs. */
const LOCK_MS = 8000;
/** How often each worker looks for jobs of lost ones: less than 15 s after a worker was killed, its jobs run again. */
const STALLED_CHECK_MS = 3000;
/** How often a job may lose its worker before it fails. */
const MAX_LOST_WORKERS = 3;
/** Milliseconds a worker waits before it talks to a store again that was away. */
const RECONNECT_MS = 1000;
/** Handing jobs back takes a few round trips. */
const HAND_BACK_MS = 3000;

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
  const consumers: BullmqConsumer[] = types.map((type) =>
    backend.createConsumer(type.name, createProcessor(type, handBack.signal, use, logger), {
      concurrency: type.concurrency ?? concurrency,
      lockDuration: LOCK_MS,
      stalledInterval: STALLED_CHECK_MS,
      maxStalledCount: MAX_LOST_WORKERS,
      runRetryDelay: RECONNECT_MS,
    }),
  );
  return {
    async close(graceMs) {
      const closed = Promise.all(consumers.map((consumer) => consumer.close()));
      if (await settlesWithin(closed, graceMs)) return;
      handBack.abort();
      if (await settlesWithin(closed, HAND_BACK_MS)) return;
      // The store is away: its jobs are taken up again when their locks run out.
      logger.warn({}, 'some jobs could not be handed back in time');
    },
  };
}

function createProcessor(type: JobType, handBack: AbortSignal, use: Use, logger: Logger): JobProcessor {
  return async (job, token) => {
    const id = job.id ?? '';
    const attempt = job.attemptsMade + 1;
    const log = logger.child({ jobId: id, type: type.name, attempt, requestId: job.data.requestId });
    const startedAt = performance.now();
    const outcome = await runAttempt(type, {
      id,
      attempt,
      input: job.data.input,
      handBack,
      log,
      use,
      writeProgress: (percentComplete, message) =>
        writeProgress(job, { percentComplete, message, at: Date.now() }, log),
    });
    const durationMs = Math.round(performance.now() - startedAt);
    switch (outcome.kind) {
      case 'succeeded':
        log.info({ durationMs }, 'job succeeded');
        return outcome.result;
      case 'failed': {
        log.warn({ durationMs, code: outcome.error.code }, 'job attempt failed');
        const reason = fromFailure(outcome.error);
        throw outcome.retry ? new Error(reason) : new UnrecoverableError(reason);
      }
      case 'handed-back':
        log.info({ durationMs }, 'job handed back');
        await job.moveToWait(token);
        throw new WaitingError();
    }
  };
}

/** Progress is news, not the work: a job does not fail because it could not be told. */
async function writeProgress(job: Job<JobData>, progress: JobProgress, log: Logger): Promise<void> {
  try {
    await job.updateProgress({ ...progress });
  } catch (error) {
    log.warn({ err: error }, 'progress could not be written');
  }
}
