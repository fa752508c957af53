import type { z } from 'zod';
import type { JobType } from './define-job.ts';
import { settlesWithin } from './deadline.ts';
import { JobError } from './job-error.ts';
import { JOB_CANCELED } from './job.ts';
import type { AttemptOutcome, Logger } from './ports.ts';
import type { Use } from './provider.ts';
import { type Progress, type ProgressWriter, createProgressWriter } from './progress-writer.ts';
import { findUnstorableText } from './storable-text.ts';

const MAX_MESSAGE_LENGTH = 200;
const MAX_ERROR_LENGTH = 1000;
const ERROR_CODE = /^[A-Z][A-Z0-9_]{0,63}$/;
/** The last progress is waited for no longer, in milliseconds. */
const LAST_PROGRESS_MS = 1000;

/** The most bytes that a result may have as JSON: 1.5 MiB, as a request. */
export const MAX_RESULT_BYTES = 1_572_864;

/** What callers read when a function threw something that was not made for them. */
const MASKED = { code: 'JOB_FAILED', message: 'The job failed for an unexpected reason, which has been logged.' };

/** Why the function's signal is aborted. */
const TIMED_OUT = new Error('the attempt timed out');
const CANCELED = new Error('the job was canceled');
const HANDED_BACK = new Error('the worker is shutting down');
const LOST = new Error('the worker has lost the job');
const OVER = new Error('the attempt is over');

export interface Attempt {
  readonly id: string;
  /** 1 for the first run. */
  readonly attempt: number;
  /** As the caller sent it. */
  readonly input: unknown;
  /** Aborted when the worker wants the job back. */
  readonly handBack: AbortSignal;
  /** Aborted when the job is canceled. */
  readonly cancel: AbortSignal;
  /** Aborted when another worker may have the job. */
  readonly lost: AbortSignal;
  readonly log: Logger;
  readonly use: Use;
  /** Never rejects. */
  writeProgress(progress: Progress): Promise<void>;
}

/** Runs a job type's function once, checks what it returns, and says how it ended. Never throws. */
export async function runAttempt(type: JobType, attempt: Attempt): Promise<AttemptOutcome> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(TIMED_OUT), type.timeoutSeconds * 1000);
  const unlisten = [
    onAbort(attempt.handBack, () => stop.abort(HANDED_BACK)),
    onAbort(attempt.cancel, () => stop.abort(CANCELED)),
    onAbort(attempt.lost, () => stop.abort(LOST)),
  ];
  const progress = createProgressWriter(attempt.writeProgress);
  try {
    const input = type.strictInput.safeParse(attempt.input);
    // It was valid when it was accepted: the schema has changed since.
    if (!input.success) return failed('INVALID_INPUT', 'The input is no longer valid for this type of job.', false);
    // A function that ignores its signal is left behind, so that its slot is free.
    const result = await Promise.race([run(type, input.data, attempt, stop.signal, progress), aborted(stop.signal)]);
    return checked(type, result, attempt.log);
  } catch (error) {
    if (stop.signal.reason === CANCELED) return { kind: 'canceled', error: JOB_CANCELED };
    if (stop.signal.reason === LOST) return { kind: 'lost' };
    if (stop.signal.reason === HANDED_BACK) return { kind: 'handed-back' };
    if (stop.signal.reason === TIMED_OUT)
      return failed('JOB_TIMEOUT', `The job took longer than ${type.timeoutSeconds} s.`, true);
    if (error instanceof JobError) return thrown(error, attempt.log);
    attempt.log.error({ thrown: error }, 'job function threw');
    return failed(MASKED.code, MASKED.message, true);
  } finally {
    clearTimeout(timer);
    // Whatever of the function still runs learns that nobody waits for it, and tells no more.
    stop.abort(OVER);
    if (!attempt.lost.aborted) await settlesWithin(progress.end(), LAST_PROGRESS_MS);
    for (const each of unlisten) each();
  }
}

async function run(
  type: JobType,
  input: z.output<JobType['input']>,
  attempt: Attempt,
  signal: AbortSignal,
  progress: ProgressWriter,
): Promise<unknown> {
  return type.run(input, {
    id: attempt.id,
    attempt: attempt.attempt,
    signal,
    log: attempt.log,
    use: attempt.use,
    async progress(percentComplete, message) {
      if (signal.aborted) return;
      await progress.tell({
        percentComplete: Math.min(100, Math.max(0, Math.floor(percentComplete) || 0)),
        message: message === undefined ? null : toStorable(message, MAX_MESSAGE_LENGTH),
      });
    },
  });
}

/** A cut may halve a surrogate pair, and PostgreSQL can't store U+0000. */
function toStorable(text: string, maxLength: number): string {
  return text.slice(0, maxLength).toWellFormed().replaceAll('\u0000', '');
}

/** What a function threw for callers. A job keeps its history, so each part of that has its bounds. */
function thrown({ code, message, retry }: JobError, log: Logger): AttemptOutcome {
  const valid = ERROR_CODE.test(code);
  if (!valid) log.error({}, 'a JobError needs a code in capitals, of at most 64 characters; JOB_FAILED is shown');
  return failed(valid ? code : MASKED.code, toStorable(message, MAX_ERROR_LENGTH), retry);
}

function checked(type: JobType, result: unknown, log: Logger): AttemptOutcome {
  const parsed = type.result.safeParse(result);
  if (parsed.success) {
    const bytes = sizeOf(parsed.data);
    if (bytes === undefined) return failed('INVALID_RESULT', 'The job returned a result that is not JSON.', false);
    if (bytes > MAX_RESULT_BYTES) {
      const message = `The job returned a result of ${bytes} bytes, and the most is ${MAX_RESULT_BYTES}.`;
      return failed('INVALID_RESULT', message, false);
    }
  }
  const issues = parsed.success ? findUnstorableText(parsed.data) : parsed.error.issues;
  if (parsed.success && issues.length === 0) return { kind: 'succeeded', result: parsed.data };
  log.error(
    { issues: issues.map(({ path, message }) => ({ path, message })) },
    'job function returned an invalid result',
  );
  return failed('INVALID_RESULT', 'The job returned a result that is not valid for its type.', false);
}

/** Bytes of a value as JSON; undefined if it can't be written so, as one that holds itself, or a BigInt. */
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

/** Rejects when the signal is aborted; never resolves. */
function aborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  onAbort(signal, () => reject(signal.reason));
  return promise;
}

/** Calls the listener when the signal is aborted, at once if it is. Returns what ends it. */
function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) listener();
  signal.addEventListener('abort', listener);
  return () => signal.removeEventListener('abort', listener);
}
