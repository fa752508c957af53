import { z } from 'zod';
import { settlesWithin } from '../deadline.ts';
import type { JobContext, JobType } from '../define-job.ts';
import type { AttemptFiles } from '../files/attempt-files.ts';
import { fileIdsIn, withOwnFiles } from '../files/result-files.ts';
import { FileStoreError } from '../files/file-store.ts';
import { findUnstorableText } from '../input/parse-input.ts';
import { JobError } from '../job-error.ts';
import { JOB_CANCELED, type JobFailure } from '../job.ts';
import type { AttemptOutcome, Logger } from '../ports.ts';
import { LOST, type OutputWriter, createOutputWriter } from '../output/output-writer.ts';
import { AttemptContext, toStorable } from './attempt-context.ts';
import type { Attempt, Interruption } from './attempt.ts';
import { type Progress, type ProgressWriter, createProgressWriter } from './progress.ts';
import { Stop } from './stop.ts';
import { type StrayErrorListener, withStrayErrors } from './stray-errors.ts';

const MAX_ERROR_LENGTH = 1000;
const ERROR_CODE = /^[A-Z][A-Z0-9_]{0,63}$/;
/** The longest wait for the last progress to be written, in milliseconds. */
const LAST_PROGRESS_MS = 1000;

/** The longest wait for a step that stores output when an attempt is stopped, in milliseconds. */
const LAST_OUTPUT_MS = 1000;

/** The largest result, in bytes of JSON: 1.5 MiB, the same as a request. */
export const MAX_RESULT_BYTES = 1_572_864;

/** The error that callers see when a function throws anything but a JobError. */
const MASKED = { code: 'JOB_FAILED', message: 'The job failed for an unexpected reason, which has been logged.' };

/** A schema that refuses an accepted input waits so many seconds for the workers of another version: longer than a rolling deploy takes. */
const NEWER_WORKER_SECONDS = 300;
const INVALID_INPUT = { code: 'INVALID_INPUT', message: 'The input is no longer valid for this job type.' };

/** What callers read while a job waits for another system. */
const OUTAGE = 'The job waits, because something that it needs cannot be reached.';

/** The reasons with which a function's signal is aborted. */
const INTERRUPTED: Readonly<Record<Interruption, Error>> = {
  canceled: new Error('the job was canceled'),
  'handed-back': new Error('the worker is shutting down'),
  lost: new Error('the worker has lost the job'),
};
const TIMED_OUT = new Error('the attempt timed out');
const STRAY = new Error('the job function left an error uncaught');
const OVER = new Error('the attempt is over');

/** The most uncaught errors of one attempt that are logged: an interval that it left behind may throw for ever. */
const MAX_STRAY_ERRORS = 10;

/** Runs a job type's function once, checks its result, and returns how the attempt ended. Never throws. */
export async function runAttempt(type: JobType, attempt: Attempt): Promise<AttemptOutcome> {
  const stop = new Stop();
  const timer = setTimeout(() => stop.stop(TIMED_OUT), type.timeoutSeconds * 1000);
  let lost = false;
  const unlisten = attempt.onInterruption((why) => {
    lost ||= why === 'lost';
    stop.stop(INTERRUPTED[why]);
  });
  let progress: ProgressWriter | undefined;
  const writeProgress = (next: Progress): Promise<void> => {
    progress ??= createProgressWriter(attempt.writeProgress);
    return progress.write(next);
  };
  let output: OutputWriter | undefined;
  const openOutput = (): OutputWriter => {
    if (output !== undefined) return output;
    output = createOutputWriter(attempt.storeOutput);
    if (stop.reason !== undefined) void output.close(stop.reason);
    return output;
  };
  // A function that ignores its signal keeps running, but no longer occupies the worker's slot.
  const context = new AttemptContext(attempt, stop, writeProgress, openOutput);
  /** The files that callers will read. */
  let kept: ReadonlySet<string> | undefined;
  try {
    const input = type.acceptedInput.safeParse(attempt.input);
    // It was valid on submission: this schema is older than the one that accepted it, or newer.
    if (!input.success) return refused();
    if (attempt.hasOutput) openOutput().begin();
    const result = await stop.unlessStopped(
      withStrayErrors(endOnStrayError(attempt, stop), () => run(type, input.data, context)),
    );
    // Who reads the outcome can read all output.
    if (output !== undefined) await stop.unlessStopped(output.end());
    const outcome = checked(type, result, attempt, context.files);
    if (outcome.kind === 'succeeded' && context.files !== undefined) kept = fileIdsIn(type, outcome.result);
    return outcome;
  } catch (error) {
    if (output !== undefined && stop.reason === undefined)
      await stop.unlessStopped(output.end()).catch(() => undefined);
    if (stop.reason === INTERRUPTED.canceled) return { kind: 'canceled', error: JOB_CANCELED };
    if (stop.reason === INTERRUPTED.lost || error === LOST) return { kind: 'lost' };
    if (stop.reason === INTERRUPTED['handed-back']) return { kind: 'handed-back' };
    if (stop.reason === TIMED_OUT)
      return failed('JOB_TIMEOUT', `The job took longer than ${type.timeoutSeconds} s.`, true);
    if (stop.reason === STRAY) return failed(MASKED.code, MASKED.message, true);
    if (error instanceof JobError) return thrown(error, type, attempt.log());
    attempt.log().error({ thrown: error }, 'job function threw');
    return error instanceof FileStoreError || attempt.isConnectionError(error)
      ? outage(type, MASKED)
      : failed(MASKED.code, MASKED.message, true);
  } finally {
    clearTimeout(timer);
    // Whatever the function left running sees an aborted signal, and its progress is dropped.
    stop.stop(OVER);
    if (output !== undefined) await settlesWithin(output.close(stop.reason ?? OVER), LAST_OUTPUT_MS);
    if (progress !== undefined && !lost) await settlesWithin(progress.end(), LAST_PROGRESS_MS);
    if (context.files !== undefined) await context.files.removeAllBut(kept ?? new Set());
    unlisten();
  }
}

/** Logs what a function leaves uncaught, under its job, and ends the attempt if that still runs. */
function endOnStrayError(attempt: Attempt, stop: Stop): StrayErrorListener {
  let count = 0;
  return (error) => {
    count += 1;
    if (count > MAX_STRAY_ERRORS) return;
    attempt.log().error({ thrown: error }, 'job function left an error uncaught');
    stop.stop(STRAY);
  };
}

/** Async, so that a function that throws synchronously rejects too. */
async function run(type: JobType, input: z.output<JobType['input']>, context: JobContext): Promise<unknown> {
  return type.run(input, context);
}

/** The outcome of a JobError. A job's history keeps the code and the message, so both are bounded. */
function thrown({ code, message, retry, retryAfter }: JobError, type: JobType, log: Logger): AttemptOutcome {
  const valid = ERROR_CODE.test(code);
  if (!valid)
    log.error({}, 'invalid JobError code: expected at most 64 capitals, digits and _; callers see JOB_FAILED');
  const error = { code: valid ? code : MASKED.code, message: toStorable(message, MAX_ERROR_LENGTH) };
  if (retry && retryAfter !== undefined) return outage(type, error, { retryAfter, message: error.message });
  return failed(error.code, error.message, retry);
}

function outage(
  { outageSeconds }: JobType,
  error: JobFailure,
  { retryAfter, message = OUTAGE }: { retryAfter?: number; message?: string } = {},
): AttemptOutcome {
  return {
    kind: 'postponed',
    until: 'outage-ends',
    maxSeconds: outageSeconds,
    retryAfter,
    message,
    error,
    retry: true,
  };
}

function refused(): AttemptOutcome {
  return {
    kind: 'postponed',
    until: 'newer-worker',
    maxSeconds: NEWER_WORKER_SECONDS,
    retryAfter: undefined,
    message: 'The job waits for a worker of another version.',
    error: INVALID_INPUT,
    retry: false,
  };
}

function checked(type: JobType, result: unknown, attempt: Attempt, files: AttemptFiles | undefined): AttemptOutcome {
  const parsed = z.safeEncode<z.ZodType>(type.checkedResult, result);
  if (parsed.success) {
    const bytes = sizeOf(parsed.data);
    if (bytes === undefined) return failed('INVALID_RESULT', 'The job returned a result that is not JSON.', false);
    if (bytes > MAX_RESULT_BYTES) {
      const message = `The job returned a result of ${bytes} bytes; the maximum is ${MAX_RESULT_BYTES}.`;
      return failed('INVALID_RESULT', message, false);
    }
  }
  const issues = parsed.success ? findUnstorableText(parsed.data) : parsed.error.issues;
  if (parsed.success && issues.length === 0) {
    const completed = withOwnFiles(type, parsed.data, attempt.input, files);
    if (completed !== undefined) return { kind: 'succeeded', result: completed.result };
    const message = 'The job returned a file that it neither made nor has in its input.';
    return failed('INVALID_RESULT', message, false);
  }
  attempt
    .log()
    .error(
      { issues: issues.map(({ path, message }) => ({ path, message })) },
      'job function returned an invalid result',
    );
  return failed('INVALID_RESULT', 'The job returned a result that is not valid for its type.', false);
}

/** Bytes of a value as JSON; undefined if it has no JSON, such as a BigInt or a cyclic object. */
function sizeOf(value: unknown): number | undefined {
  try {
    return Buffer.byteLength(JSON.stringify(value));
  } catch {
    return undefined;
  }
}

function failed(code: string, message: string, retry: boolean): AttemptOutcome {
  return { kind: 'failed', error: { code, message }, retry };
}
