export interface JobErrorOptions {
  /**
   * Whether another attempt may succeed.
   * @default true
   */
  readonly retry?: boolean;
  /**
   * Seconds after which another attempt may succeed, as when another system is overloaded. Within the job type's `outageSeconds`, this
   * attempt does not count.
   */
  readonly retryAfter?: number;
  readonly cause?: unknown;
}

/**
 * A failure that callers may read. For any other error that a job's function throws, callers see only `JOB_FAILED`, and the log
 * shows the error without its message.
 *
 * @param code in capitals, such as `INVALID_PHONE`, at most 64 characters
 * @param message a sentence for callers, shown as it is; truncated to 1,000 characters
 */
export class JobError extends Error {
  override readonly name = 'JobError';
  readonly code: string;
  readonly retry: boolean;
  readonly retryAfter: number | undefined;

  constructor(code: string, message: string, options: JobErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retry = options.retry ?? true;
    this.retryAfter = options.retryAfter;
  }
}
