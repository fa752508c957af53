import type { UnsuccessfulJob } from './job.ts';
import { parseRetryAfter } from './retry.ts';

/** One error in the input. */
export interface InputProblem {
  /** The invalid field: a JSON Pointer as a URI fragment, such as `#/rows/3/id` (RFC 6901, section 6). */
  readonly pointer: string;
  readonly detail: string;
}

/** The problems that Accepted reports. */
export type ProblemName =
  | 'invalid-input'
  | 'malformed-request'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'result-not-ready'
  | 'method-not-allowed'
  | 'not-acceptable'
  | 'request-timeout'
  | 'job-canceled'
  | 'not-cancelable'
  | 'not-retryable'
  | 'expired'
  | 'precondition-failed'
  | 'too-large'
  | 'range-not-satisfiable'
  | 'unsupported-media-type'
  | 'job-failed'
  | 'idempotency-key-reused'
  | 'quota-exceeded'
  | 'rate-limited'
  | 'header-too-large'
  | 'internal-error'
  | 'not-implemented'
  | 'queue-full'
  | 'queue-unavailable'
  | 'service-unavailable';

/** An error reply of the server (RFC 9457, Problem Details). */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  /** The HTTP status. */
  readonly status: number;
  /**
   * Name of the problem, the last segment of `type`. Undefined for a reply that is not from Accepted, such as a proxy's 502.
   */
  readonly problem: ProblemName | (string & Record<never, never>) | undefined;
  /** URL of the page that explains the problem; `about:blank` if the reply has none (RFC 9457, section 4.2.1). */
  readonly type: string;
  readonly title: string;
  readonly detail: string | undefined;
  /** Identifies the request or resource with the problem. */
  readonly instance: string | undefined;
  /** The errors in the input; empty for every problem but `invalid-input`. */
  readonly errors: readonly InputProblem[];
  /** Id of the server's log entry for an unexpected error. */
  readonly errorId: string | undefined;
  /** Seconds to wait before the next attempt (RFC 9110, section 10.2.3). */
  readonly retryAfter: number | undefined;

  /** @param text the reply's body in any format */
  constructor(response: Response, text: string) {
    // A proxy may send a body of another format.
    const members: Readonly<Record<string, unknown>> = Object(parseJson(text));
    const title = textOf(members['title']) ?? (response.statusText || `HTTP ${response.status}`);
    const detail = textOf(members['detail']);
    super(detail ?? title);
    this.status = response.status;
    this.type = textOf(members['type']) ?? 'about:blank';
    this.problem = /\/problems\/([^/?#]+)$/.exec(this.type)?.[1];
    this.title = title;
    this.detail = detail;
    this.instance = textOf(members['instance']);
    this.errors = Array.isArray(members['errors']) ? members['errors'].filter(isInputProblem) : [];
    this.errorId = textOf(members['errorId']);
    this.retryAfter = parseRetryAfter(response.headers);
  }
}

/** The job failed or was canceled; see `job.status`. */
export class JobNotSucceededError extends Error {
  override readonly name = 'JobNotSucceededError';
  /** The cause as a stable code: one that the job type defines, or `JOB_FAILED`, `JOB_TIMEOUT`, `JOB_CANCELED`, … */
  readonly code: string;
  readonly job: UnsuccessfulJob;

  constructor(job: UnsuccessfulJob) {
    super(job.error.message);
    this.code = job.error.code;
    this.job = job;
  }
}

/** Undefined if it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function isInputProblem(value: unknown): value is InputProblem {
  const { pointer, detail }: Partial<Record<keyof InputProblem, unknown>> = Object(value);
  return typeof pointer === 'string' && typeof detail === 'string';
}
