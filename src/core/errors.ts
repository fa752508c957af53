/** One error in the input. */
export interface InputIssue {
  /** Field names and array indexes, from the root of the input. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** The most issues in a reply, which could otherwise be larger than the request. */
export const MAX_ISSUES = 20;

/** Every failure that the APIs report, by the name of its problem type (RFC 9457): HTTP status, GraphQL `extensions.code` and title. */
export const PROBLEMS = {
  'invalid-input': { status: 400, code: 'BAD_USER_INPUT', title: 'Invalid input' },
  'malformed-request': { status: 400, code: 'BAD_REQUEST', title: 'Malformed request' },
  unauthenticated: { status: 401, code: 'UNAUTHENTICATED', title: 'Authentication required' },
  forbidden: { status: 403, code: 'FORBIDDEN', title: 'Forbidden' },
  'not-found': { status: 404, code: 'NOT_FOUND', title: 'Not found' },
  'result-not-ready': { status: 404, code: 'NOT_FOUND', title: 'The result is not ready' },
  'method-not-allowed': { status: 405, code: 'BAD_REQUEST', title: 'Method not allowed' },
  'not-acceptable': { status: 406, code: 'BAD_REQUEST', title: 'No acceptable representation' },
  'request-timeout': { status: 408, code: 'BAD_REQUEST', title: 'The request timed out' },
  'job-canceled': { status: 409, code: 'CONFLICT', title: 'The job was canceled' },
  'not-cancelable': { status: 409, code: 'CONFLICT', title: 'The job cannot be canceled' },
  'not-retryable': { status: 409, code: 'CONFLICT', title: 'The job cannot be retried' },
  expired: { status: 410, code: 'EXPIRED', title: 'The job has expired' },
  'precondition-failed': { status: 412, code: 'BAD_REQUEST', title: 'The precondition does not hold' },
  'too-large': { status: 413, code: 'BAD_REQUEST', title: 'The request body is too large' },
  'range-not-satisfiable': { status: 416, code: 'BAD_REQUEST', title: 'The range is not in the file' },
  'unsupported-media-type': { status: 415, code: 'BAD_REQUEST', title: 'Unsupported media type' },
  'job-failed': { status: 422, code: 'JOB_FAILED', title: 'The job failed' },
  'idempotency-key-reused': {
    status: 422,
    code: 'IDEMPOTENCY_KEY_REUSED',
    title: 'The idempotency key was used for another input',
  },
  'quota-exceeded': { status: 429, code: 'QUOTA_EXCEEDED', title: 'The caller has too much waiting' },
  'rate-limited': { status: 429, code: 'RATE_LIMITED', title: 'Too many requests' },
  'header-too-large': { status: 431, code: 'BAD_REQUEST', title: 'The request header is too large' },
  'internal-error': { status: 500, code: 'INTERNAL_SERVER_ERROR', title: 'Internal error' },
  'not-implemented': { status: 501, code: 'BAD_REQUEST', title: 'Method not implemented' },
  'queue-full': { status: 503, code: 'QUEUE_FULL', title: 'Too many jobs are waiting' },
  'queue-unavailable': { status: 503, code: 'QUEUE_UNAVAILABLE', title: 'The queue is unavailable' },
  'service-unavailable': { status: 503, code: 'SERVICE_UNAVAILABLE', title: 'The service is unavailable' },
} as const;

export type ProblemName = keyof typeof PROBLEMS;

export interface ServiceErrorOptions {
  readonly issues?: readonly InputIssue[];
  /** Seconds after which a retry may succeed. */
  readonly retryAfter?: number;
  /** The caller that was refused, for the log. */
  readonly caller?: string;
  /** The code of the job's failure. */
  readonly failure?: string;
  /** The reply's `WWW-Authenticate` header (RFC 9110, section 11.6.1). */
  readonly challenge?: string;
  readonly cause?: unknown;
}

export function isQueueUnavailable(error: unknown): boolean {
  return error instanceof ServiceError && error.problem === 'queue-unavailable';
}

export function isExpiredJob(error: unknown): boolean {
  return error instanceof ServiceError && error.problem === 'expired';
}

/** A failure that the APIs report to the client as it is. Any other error is masked and logged. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly problem: ProblemName;
  readonly issues: readonly InputIssue[];
  readonly retryAfter: number | undefined;
  readonly caller: string | undefined;
  readonly failure: string | undefined;
  readonly challenge: string | undefined;

  constructor(problem: ProblemName, detail: string, options: ServiceErrorOptions = {}) {
    super(detail, { cause: options.cause });
    this.problem = problem;
    this.issues = options.issues ?? [];
    this.retryAfter = options.retryAfter;
    this.caller = options.caller;
    this.failure = options.failure;
    this.challenge = options.challenge;
  }
}

export function jobNotFound(): ServiceError {
  return new ServiceError('not-found', 'There is no job with this id.');
}

/** A job of the caller that was here, and has ended so long ago that it was removed. */
export function jobExpired(): ServiceError {
  return new ServiceError('expired', 'The job has expired: finished jobs are kept for a limited time.');
}

export function batchNotFound(): ServiceError {
  return new ServiceError('not-found', 'There is no batch with this id.');
}

/** The `detail` of `queue-unavailable`. */
export const QUEUE_UNAVAILABLE = 'The queue cannot be reached. Try again later.';
/** The same for a change that the queue may have received. */
export const QUEUE_UNCONFIRMED =
  'The queue did not confirm the change in time, so it may have been made. A submission with an idempotency key is safe to repeat.';
