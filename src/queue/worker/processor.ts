import { setTimeout as delay } from 'node:timers/promises';
import { DelayedError, type Job, UnrecoverableError, WaitingError } from 'bullmq';
import { z } from 'zod';
import type { JobType } from '../../core/define-job.ts';
import type { JobFiles } from '../../core/files/attempt-files.ts';
import type { JobFailure } from '../../core/job.ts';
import type { Metrics } from '../../core/metrics.ts';
import type { AttemptOutcome, Logger, Postponement } from '../../core/ports.ts';
import type { Use } from '../../core/register.ts';
import type { Span, Tracer } from '../../core/tracer.ts';
import type { Progress } from '../../core/attempt/progress.ts';
import { runAttempt } from '../../core/attempt/run-attempt.ts';
import type { JobProcessor, QueueBackend } from '../backend.ts';
import { isConnectionError } from '../../stores/connection-error.ts';
import {
  CANCELED,
  type JobData,
  type JobProgress,
  type JobWait,
  fromFailure,
  progressSchema,
  toTrace,
} from '../job-record.ts';
import { createOutputStore } from './output-store.ts';
import { endAttemptSpan, startAttemptSpan, traceIdOfJob } from './attempt-span.ts';
import type { RunningJobs } from './running-jobs.ts';

/** A job that has lost more workers fails. */
const MAX_LOST_WORKERS = 3;
/** The longest quarantine after the first lost worker, in milliseconds. It doubles with each further loss. */
const QUARANTINE_MS = 1500;
/** The longest wait between two tries of a job that waits for something else, in milliseconds: how late it notices the end of an outage. */
const MAX_WAIT_MS = 30_000;
/** How often, and after how many milliseconds, a step is tried again while the store is unavailable: for longer than a lock lasts. */
const MAX_TRIES = 30;
const TRY_AGAIN_MS = 500;
/** The random part of such a wait. */
const WAIT_JITTER = 0.5;
/** The longest wait that a job's function may ask for: a day. */
const MAX_RETRY_AFTER_MS = 86_400_000;
const JOB_STALLED: JobFailure = {
  code: 'JOB_STALLED',
  message: 'The job was started again and again, and its worker stopped each time.',
};

export interface ProcessorOptions {
  readonly type: JobType;
  readonly running: RunningJobs;
  endIfMarked(job: Job<JobData>): Promise<void>;
  /**
   * Whether the job may run beside its caller's others: if not, it waits again, or is lost. Undefined for a type that does not bound them.
   */
  readonly takeSlot: ((id: string, token: string) => Promise<boolean>) | undefined;
  /** Whether an attempt may begin: false if it was too late for the first one, which has ended the job, or the job is lost. */
  begin(id: string, token: string): Promise<boolean>;
  readonly storeOutput: QueueBackend['storeOutput'];
  readonly use: Use;
  readonly files: JobFiles | undefined;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Undefined: attempts are not recorded. */
  readonly tracer: Tracer | undefined;
}

/** What BullMQ runs for each job: one attempt, whose outcome becomes a result or one of BullMQ's errors. */
export function createProcessor(options: ProcessorOptions): JobProcessor {
  const { type, running, endIfMarked, takeSlot, begin, storeOutput, use, files, logger, metrics, tracer } = options;
  return async (job, token) => {
    const id = job.id ?? '';
    const attempt = job.attemptsMade + 1;
    const startedAt = job.processedOn ?? Date.now();
    let progressAt: number | undefined;
    // Another program may have added the job, with any data.
    const data: Partial<JobData> = job.data ?? {};
    const about = () => ({
      jobId: id,
      type: type.name,
      attempt,
      requestId: data.requestId,
      traceId: traceIdOfJob(job),
    });
    let span: Span | undefined;
    let ownLog: Logger | undefined;
    // Created when needed: most functions log nothing, and a child logger costs more than the line at the end.
    const log = (): Logger => (ownLog ??= logger.child(about()));
    const toError = (error: JobFailure, retry: boolean): Error => {
      const Kind = retry ? Error : UnrecoverableError;
      const trace = { attempt, startedAt: new Date(startedAt), finishedAt: new Date(), error };
      return Object.assign(new Kind(fromFailure(error)), { stack: toTrace(trace, span?.context.traceparent) });
    };
    const lostWorkers = job.stalledCounter;
    if (lostWorkers > MAX_LOST_WORKERS) {
      logger.error({ ...about(), lostWorkers }, 'job failed, because it lost its worker each time');
      throw toError(JOB_STALLED, false);
    }
    if (lostWorkers > 0 && data.quarantinedAfter !== lostWorkers) {
      logger.warn({ ...about(), lostWorkers }, 'job lost its worker');
      metrics.quarantined(type.name);
      await quarantine(job, token);
      await endIfMarked(job);
      throw new DelayedError();
    }

    if (takeSlot !== undefined) {
      let mayRun = true;
      const isOurs = await keepTrying(async () => void (mayRun = await takeSlot(id, token ?? '')));
      if (!mayRun) await endIfMarked(job);
      // BullMQ leaves the job alone after this error.
      if (!mayRun || !isOurs) throw new WaitingError();
    }

    if (mustBeginInTime(job)) {
      let mayBegin = true;
      const isOurs = await keepTrying(async () => void (mayBegin = await begin(id, token ?? '')));
      if (!mayBegin) logger.info(about(), 'job expired');
      // BullMQ leaves the job alone after this error.
      if (!mayBegin || !isOurs) throw new WaitingError();
    }

    if (attempt === 1 && data.wait === undefined && lostWorkers === 0)
      metrics.waited(type.name, (startedAt - job.timestamp - (job.opts.delay ?? 0)) / 1000);

    span = tracer && startAttemptSpan(tracer, type.name, job, attempt);
    const writeProgress = (progress: Progress): Promise<void> => {
      // Times of progress are unique within a job, over all attempts, because followers order states by them.
      progressAt ??= Math.max(startedAt, progressSchema.safeParse(job.progress).data?.at ?? 0);
      progressAt = Math.max(Date.now(), progressAt + 1);
      return storeProgress(job, { ...progress, at: progressAt }, log);
    };
    const run = (): Promise<AttemptOutcome> =>
      runAttempt(type, {
        id,
        attempt,
        input: data.input,
        use,
        files,
        log,
        isConnectionError,
        onInterruption: (listener) => running.add(id, listener),
        writeProgress,
        hasOutput: 'output' in job.opts,
        storeOutput: createOutputStore(
          (output, pieces) => storeOutput(type.name, id, output, pieces),
          token ?? '',
          attempt,
        ),
      });
    const outcome = await (span ? span.run(run) : run());
    if (span) endAttemptSpan(span, outcome);
    const durationMs = Date.now() - startedAt;
    const code = 'error' in outcome ? outcome.error.code : undefined;
    metrics.attemptEnded({ type: type.name, outcome: outcome.kind, code, seconds: durationMs / 1000 });
    const ended = () => ({ ...about(), durationMs });
    const writeMessage = (message: string | null): Promise<void> =>
      writeProgress({ percentComplete: progressSchema.safeParse(job.progress).data?.percentComplete ?? 0, message });
    // The message still says what the job waited for.
    if (outcome.kind === 'succeeded' && data.wait !== undefined && progressAt === undefined) await writeMessage(null);
    switch (outcome.kind) {
      case 'succeeded':
        return outcome.result;
      case 'failed':
        logger.warn({ ...ended(), code: outcome.error.code }, 'job attempt failed');
        // The next outage has its own time.
        if (data.wait !== undefined && outcome.retry)
          await keepTrying(() => job.updateData({ ...job.data, wait: undefined }));
        throw toError(outcome.error, outcome.retry);
      case 'postponed': {
        const { wait, waitMs } = nextWait(job, outcome, type.backoffSeconds);
        if (Date.now() + waitMs > wait.since + outcome.maxSeconds * 1000) {
          logger.warn({ ...ended(), code: outcome.error.code }, 'job attempt failed');
          throw toError(outcome.error, outcome.retry);
        }
        logger.warn({ ...ended(), until: wait.until, waitMs }, 'job postponed');
        // Of a job that this worker has lost meanwhile, another one takes care.
        const isOurs = await keepTrying(async () => {
          await job.updateData({ ...job.data, wait });
          await writeMessage(outcome.message);
          await job.moveToDelayed(Date.now() + waitMs, token);
        });
        if (isOurs) await endIfMarked(job);
        throw new DelayedError();
      }
      case 'canceled':
        logger.info(ended(), 'job canceled');
        throw Object.assign(toError(outcome.error, false), { message: CANCELED });
      case 'lost':
        logger.warn(ended(), 'job lost to another worker');
        // BullMQ leaves the job alone after this error.
        throw new WaitingError();
      case 'handed-back':
        logger.info(ended(), 'job handed back');
        await job.moveToWait(token);
        await endIfMarked(job);
        throw new WaitingError();
    }
  };
}

const ownOptionsSchema = z.object({ startBy: z.number() });

function mustBeginInTime({ opts }: Job<JobData>): boolean {
  return 'startBy' in opts && ownOptionsSchema.safeParse(opts).success;
}

/**
 * Repeats a step while the store is unavailable, which is likely in an outage of another system on the same server.
 * @returns whether it was done: false if the store refused it, or was unavailable for so long that the job's lock has expired
 */
async function keepTrying(step: () => Promise<void>): Promise<boolean> {
  for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
    try {
      await step();
      return true;
    } catch (error) {
      if (!isConnectionError(error)) return false;
      await delay(TRY_AGAIN_MS);
    }
  }
  return false;
}

/** Delays a job that lost its worker: if it is the one that kills workers, the other jobs of that worker run before it does so again. */
async function quarantine(job: Job<JobData>, token: string | undefined): Promise<void> {
  await job.updateData({ ...job.data, quarantinedAfter: job.stalledCounter });
  const longest = QUARANTINE_MS * 2 ** (job.stalledCounter - 1);
  await job.moveToDelayed(Date.now() + Math.round(longest * Math.random()), token);
}

/** A failed write is logged only: the job's work does not depend on its progress. */
async function storeProgress(job: Job<JobData>, progress: JobProgress, log: () => Logger): Promise<void> {
  try {
    await job.updateProgress({ ...progress });
  } catch (error) {
    log().warn({ err: error }, 'progress could not be written');
  }
}

/** Doubles with each wait up to a bound, and has a random part, so that what comes back is not overrun by all who waited for it. */
function nextWait(
  { data, opts: { attempts = 1 } }: Job<JobData>,
  { until, retryAfter }: Postponement,
  backoffSeconds: number,
): { readonly wait: JobWait; readonly waitMs: number } {
  const before = data?.wait;
  const isSame = before?.until === until && before.maxAttempts === attempts;
  const { since, count } = isSame ? before : { since: Date.now(), count: 0 };
  const backoffMs = Math.min(MAX_WAIT_MS, backoffSeconds * 1000 * 2 ** count);
  const waitMs =
    retryAfter === undefined
      ? backoffMs * (1 - WAIT_JITTER * Math.random())
      : Math.min(MAX_RETRY_AFTER_MS, Math.max(0, retryAfter * 1000)) + backoffMs * WAIT_JITTER * Math.random();
  return { wait: { until, since, count: count + 1, maxAttempts: attempts }, waitMs: Math.round(waitMs) };
}
