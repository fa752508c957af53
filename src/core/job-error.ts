export interface JobErrorOptions {
  /**
   * Whether a further attempt could mend it.
   * @default true
   */
  readonly retry?: boolean;
  readonly cause?: unknown;
}

/**
 * A failure that callers may read. Every other error a job's function throws is logged, and callers see `JOB_FAILED` alone.
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
