import type { JobContext } from '../define-job.ts';
import { AttemptFiles, type JobFiles } from '../files/attempt-files.ts';
import type { OutputWriter } from '../output/output-writer.ts';
import type { Logger } from '../ports.ts';
import type { Use } from '../register.ts';
import type { Attempt } from './attempt.ts';
import type { Progress } from './progress.ts';
import type { Stop } from './stop.ts';

const MAX_MESSAGE_LENGTH = 1000;

/** Creates the signal, the logger and the files on first use, because most functions use none of them. */
export class AttemptContext implements JobContext {
  readonly id: string;
  readonly attempt: number;
  readonly use: Use;
  readonly progress: JobContext['progress'];
  readonly output: JobContext['output'];
  readonly #stop: Stop;
  readonly #log: () => Logger;
  readonly #jobFiles: JobFiles | undefined;
  /** Undefined until the function makes or opens one. */
  files: AttemptFiles | undefined;
  #warned = false;

  constructor(
    { id, attempt, use, log, files }: Attempt,
    stop: Stop,
    writeProgress: (progress: Progress) => Promise<void>,
    openOutput: () => OutputWriter,
  ) {
    this.id = id;
    this.#jobFiles = files;
    this.attempt = attempt;
    this.use = use;
    this.#stop = stop;
    this.#log = log;
    // A property rather than a method, so that functions can destructure it.
    this.progress = async (percentComplete, message) => {
      if (stop.reason !== undefined) return;
      if (message !== undefined && message.length > MAX_MESSAGE_LENGTH) this.#warnOfLength(message.length);
      await writeProgress({
        percentComplete: Math.min(100, Math.max(0, Math.floor(percentComplete) || 0)),
        message: message === undefined ? null : toStorable(message, MAX_MESSAGE_LENGTH),
      });
    };
    this.output = (value) => openOutput().write(value);
  }

  /** Once for each attempt, and without the message, which may contain personal data. */
  #warnOfLength(length: number): void {
    if (this.#warned) return;
    this.#warned = true;
    this.#log().error(
      { length },
      `a progress message is longer than ${MAX_MESSAGE_LENGTH} characters, and was truncated`,
    );
  }

  #useFiles(): AttemptFiles {
    if (this.#jobFiles === undefined)
      throw new TypeError('no job type has a fileRef() in its input or its result, so that there is no store of files');
    return (this.files ??= new AttemptFiles(this.id, this.#jobFiles));
  }

  get file(): JobContext['file'] {
    return async (name, body, options = {}) => this.#useFiles().write(name, body, options, this.signal);
  }

  get open(): JobContext['open'] {
    return async (file) => this.#useFiles().open(file, this.signal);
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get log(): Logger {
    return this.#log();
  }
}

/** Truncates text, and removes what PostgreSQL cannot store: halves of surrogate pairs, which truncation may cause, and U+0000. */
export function toStorable(text: string, maxLength: number): string {
  return text.slice(0, maxLength).toWellFormed().replaceAll('\u0000', '');
}
