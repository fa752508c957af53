import type { z } from 'zod';
import type { JobContext, JobType } from '../define-job.ts';
import { settlesWithin } from '../deadline.ts';
import { JobError } from '../job-error.ts';
import { JOB_CANCELED } from '../job.ts';
import type { AttemptOutcome, Logger } from '../ports.ts';
import type { Use } from '../provider.ts';
import { type Progress, type ProgressWriter, createProgressWriter } from './progress.ts';
import { Stop } from './stop.ts';
import { findUnstorableText } from '../input/storable-text.ts';

const MAX_MESSAGE_LENGTH = 200;
const MAX_ERROR_LENGTH = 1000;
const ERROR_CODE = /^[A-Z][A-Z0-9_]{0,63}$/;
/** The last progress is waited for no longer, in milliseconds. */
const LAST_PROGRESS_MS = 1000;

/** The most bytes that a result may have as JSON: 1.5 MiB, as a request. */
export const MAX_RESULT_BYTES = 1_572_864;

/** What callers read when a function threw something that was not made for them. */
const MASKED = { code: 'JOB_FAILED', message: 'The job failed for an unexpected reason, which has been logged.' };

/** Why a worker ends an attempt: the job was canceled, it wants the job back, or another worker may have it. */
export type Interruption = 'canceled' | 'handed-back' | 'lost';

/** Why the function's signal is aborted. */
const INTERRUPTED: Readonly<Record<Interruption, Error>> = {
  canceled: new Error('the job was canceled'),
  'handed-back': new Error('the worker is shutting down'),
  lost: new Error('the worker has lost the job'),
};
const TIMED_OUT = new Error('the attempt timed out');
const OVER = new Error('the attempt is over');

export interface Attempt {
  readonly id: string;
  /** 1 for the first run. */
  readonly attempt: number;
  /** As the caller sent it. */
  readonly input: unknown;
  readonly use: Use;
  /** Writes with the job's id. */
  log(): Logger;
  /** Calls a listener when the worker wants the attempt to end, at once if it does. Returns what ends that. */
  onInterruption(listener: (why: Interruption) => void): () => void;
  /** Never rejects. */
  writeProgress(progress: Progress): Promise<void>;
}

/** Runs a job type's function once, checks what it returns, and says how it ended. Never throws. */
export async function runAttempt(type: JobType, attempt: Attempt): Promise<AttemptOutcome> {
  const stop = new Stop();
  const timer = setTimeout(() => stop.stop(TIMED_OUT), type.timeoutSeconds * 1000);
  let lost = false;
  const unlisten = attempt.onInterruption((why) => {
    lost ||= why === 'lost';
    stop.stop(INTERRUPTED[why]);
  });
  let progress: ProgressWriter | undefined;
  const tell = (news: Progress): Promise<void> => {
    progress ??= createProgressWriter(attempt.writeProgress);
    return progress.tell(news);
  };
  try {
    const input = type.strictInput.safeParse(attempt.input);
    // It was valid when it was accepted: the schema has changed since.
    if (!input.success) return failed('INVALID_INPUT', 'The input is no longer valid for this type of job.', false);
    // A function that ignores its signal is left behind, so that its slot is free.
    const result = await stop.unlessStopped(run(type, input.data, attempt, stop, tell));
    return checked(type, result, attempt);
  } catch (error) {
    if (stop.reason === INTERRUPTED.canceled) return { kind: 'canceled', error: JOB_CANCELED };
    if (stop.reason === INTERRUPTED.lost) return { kind: 'lost' };
    if (stop.reason === INTERRUPTED['handed-back']) return { kind: 'handed-back' };
    if (stop.reason === TIMED_OUT)
      return failed('JOB_TIMEOUT', `The job took longer than ${type.timeoutSeconds} s.`, true);
    if (error instanceof JobError) return thrown(error, attempt.log());
    attempt.log().error({ thrown: error }, 'job function threw');
    return failed(MASKED.code, MASKED.message, true);
  } finally {
    clearTimeout(timer);
    // Whatever of the function still runs learns that nobody waits for it, and tells no more.
    stop.stop(OVER);
    if (progress !== undefined && !lost) await settlesWithin(progress.end(), LAST_PROGRESS_MS);
    unlisten();
  }
}

async function run(
  type: JobType,
  input: z.output<JobType['input']>,
  attempt: Attempt,
  stop: Stop,
  tell: (progress: Progress) => Promise<void>,
): Promise<unknown> {
  return type.run(input, new AttemptContext(attempt, stop, tell));
}

/** What few functions ask for is made when they do. */
class AttemptContext implements JobContext {
  readonly id: string;
  readonly attempt: number;
  readonly use: Use;
  readonly progress: JobContext['progress'];
  readonly #stop: Stop;
  readonly #log: () => Logger;

  constructor({ id, attempt, use, log }: Attempt, stop: Stop, tell: (progress: Progress) => Promise<void>) {
    this.id = id;
    this.attempt = attempt;
    this.use = use;
    this.#stop = stop;
    this.#log = log;
    // Functions take it out of the object.
    this.progress = async (percentComplete, message) => {
      if (stop.reason !== undefined) return;
      await tell({
        percentComplete: Math.min(100, Math.max(0, Math.floor(percentComplete) || 0)),
        message: message === undefined ? null : toStorable(message, MAX_MESSAGE_LENGTH),
      });
    };
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get log(): Logger {
    return this.#log();
  }
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

function checked(type: JobType, result: unknown, attempt: Attempt): AttemptOutcome {
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
  attempt
    .log()
    .error(
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
