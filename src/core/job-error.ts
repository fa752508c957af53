export interface JobErrorOptions {
  /**
   * Whether a further attempt could mend it.
   * @default true
   */
  readonly retry?: boolean;
  readonly cause?: unknown;
}

/**
 * A failure that callers may read. Of every other error that a job's function throws, callers see `JOB_FAILED` alone,
 * and the log all but its message.
 *
 * @param code in capitals, such as `INVALID_PHONE`, at most 64 characters
 * @param message a sentence for callers; it is shown as it is, cut at 1,000 characters
 */
export class JobError extends Error {
  override readonly name = 'JobError';
  readonly code: string;
  readonly retry: boolean;

  constructor(code: string, message: string, options: JobErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retry = options.retry ?? true;
  }
}
