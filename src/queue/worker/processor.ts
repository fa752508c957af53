import { DelayedError, type Job, UnrecoverableError, WaitingError } from 'bullmq';
import type { JobType, Use } from '../../core/define-job.ts';
import type { JobFailure } from '../../core/job.ts';
import type { Logger } from '../../core/ports.ts';
import { runAttempt } from '../../core/attempt/run-attempt.ts';
import type { JobProcessor } from '../backend.ts';
import { CANCELED, type JobData, type JobProgress, fromFailure, progressSchema, toTrace } from '../job-record.ts';
import type { RunningJobs } from './running-jobs.ts';

/** A job that has lost more workers fails. */
const MAX_LOST_WORKERS = 3;
/** The longest quarantine after the first lost worker, in milliseconds. It doubles with each further loss. */
const QUARANTINE_MS = 1500;
const JOB_STALLED: JobFailure = {
  code: 'JOB_STALLED',
  message: 'The job was started again and again, and its worker stopped each time.',
};

export interface ProcessorOptions {
  readonly type: JobType;
  readonly running: RunningJobs;
  endIfMarked(job: Job<JobData>): Promise<void>;
  readonly use: Use;
  readonly logger: Logger;
}

/** What BullMQ runs for each job: one attempt, whose outcome becomes a result or one of BullMQ's errors. */
export function createProcessor({ type, running, endIfMarked, use, logger }: ProcessorOptions): JobProcessor {
  return async (job, token) => {
    const id = job.id ?? '';
    const attempt = job.attemptsMade + 1;
    const startedAt = job.processedOn ?? Date.now();
    let progressAt: number | undefined;
    const about = { jobId: id, type: type.name, attempt, requestId: job.data.requestId };
    let ownLog: Logger | undefined;
    // Created when needed: most functions log nothing, and a child logger costs more than the line at the end.
    const log = (): Logger => (ownLog ??= logger.child(about));
    const toError = (error: JobFailure, retry: boolean): Error => {
      const Kind = retry ? Error : UnrecoverableError;
      const trace = { attempt, startedAt: new Date(startedAt), finishedAt: new Date(), error };
      return Object.assign(new Kind(fromFailure(error)), { stack: toTrace(trace) });
    };
    if (job.stalledCounter > MAX_LOST_WORKERS) throw toError(JOB_STALLED, false);
    if (job.stalledCounter > 0 && job.data.quarantinedAfter !== job.stalledCounter) {
      await quarantine(job, token);
      await endIfMarked(job);
      throw new DelayedError();
    }

    const outcome = await runAttempt(type, {
      id,
      attempt,
      input: job.data.input,
      use,
      log,
      onInterruption: (listener) => running.add(id, listener),
      writeProgress: (progress) => {
        // Times of progress are unique within a job, over all attempts, because followers order states by them.
        progressAt ??= Math.max(startedAt, progressSchema.safeParse(job.progress).data?.at ?? 0);
        progressAt = Math.max(Date.now(), progressAt + 1);
        return writeProgress(job, { ...progress, at: progressAt }, log);
      },
    });
    const ended = { ...about, durationMs: Date.now() - startedAt };
    switch (outcome.kind) {
      case 'succeeded':
        // After BullMQ's command was sent, so that the line is written while the store works.
        setImmediate(() => logger.info(ended, 'job succeeded'));
        return outcome.result;
      case 'failed':
        logger.warn({ ...ended, code: outcome.error.code }, 'job attempt failed');
        throw toError(outcome.error, outcome.retry);
      case 'canceled':
        logger.info(ended, 'job canceled');
        throw Object.assign(toError(outcome.error, false), { message: CANCELED });
      case 'lost':
        logger.warn(ended, 'job lost to another worker');
        // BullMQ leaves the job alone after this error.
        throw new WaitingError();
      case 'handed-back':
        logger.info(ended, 'job handed back');
        await job.moveToWait(token);
        await endIfMarked(job);
        throw new WaitingError();
    }
  };
}

/** Delays a job that lost its worker: if it is the one that kills workers, the other jobs of that worker run before it does so again. */
async function quarantine(job: Job<JobData>, token: string | undefined): Promise<void> {
  await job.updateData({ ...job.data, quarantinedAfter: job.stalledCounter });
  const longest = QUARANTINE_MS * 2 ** (job.stalledCounter - 1);
  await job.moveToDelayed(Date.now() + Math.round(longest * Math.random()), token);
}

/** A failed write is logged only: the job's work does not depend on its progress. */
async function writeProgress(job: Job<JobData>, progress: JobProgress, log: () => Logger): Promise<void> {
  try {
    await job.updateProgress({ ...progress });
  } catch (error) {
    log().warn({ err: error }, 'progress could not be written');
  }
}
