import type { ProblemName } from '../core/errors.ts';
import type { UnsuccessfulJob } from './job.ts';
import { parseRetryAfter } from './retry.ts';

/** One thing that is wrong with the input. */
export interface InputProblem {
  /** Where: a JSON Pointer as a URI fragment, such as `#/customers/3/id` (RFC 6901, section 6). */
  readonly pointer: string;
  readonly detail: string;
}

/** What the server refused, as it says so: a problem reply by RFC 9457. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  /** The HTTP status. */
  readonly status: number;
  /**
   * Which problem it is: the last part of `type`. Undefined for a reply that is none of Accepted's, such as a proxy's 502.
   */
  readonly problem: ProblemName | (string & Record<never, never>) | undefined;
  /** URL of the problem type's page; `about:blank` where the reply has none (RFC 9457, section 4.2.1). */
  readonly type: string;
  readonly title: string;
  readonly detail: string | undefined;
  /** What was asked for. */
  readonly instance: string | undefined;
  /** What is wrong with the input, where that is the problem; else empty. */
  readonly errors: readonly InputProblem[];
  /** Under which the server's log has the cause of an unexpected error. */
  readonly errorId: string | undefined;
  /** Seconds after which another try may succeed (RFC 9110, section 10.2.3). */
  readonly retryAfter: number | undefined;

  /** @param text the reply's body, of any kind */
  constructor(response: Response, text: string) {
    const members = toMembers(text);
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

/** The job that was waited for ended, and not with a result: it failed, or it was canceled. `job.status` says which. */
export class JobNotSucceededError extends Error {
  override readonly name = 'JobNotSucceededError';
  /** Why, for programs: a code of the job type's own, or `JOB_FAILED`, `JOB_TIMEOUT`, `JOB_CANCELED`, … */
  readonly code: string;
  readonly job: UnsuccessfulJob;

  constructor(job: UnsuccessfulJob) {
    super(job.error.message);
    this.code = job.error.code;
    this.job = job;
  }
}

/** A problem's members, as far as there are any: what stands between may reply with anything. */
function toMembers(text: string): Readonly<Record<string, unknown>> {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? { ...body } : {};
  } catch {
    return {};
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function isInputProblem(value: unknown): value is InputProblem {
  const { pointer, detail }: Partial<Record<keyof InputProblem, unknown>> = Object(value);
  return typeof pointer === 'string' && typeof detail === 'string';
}
