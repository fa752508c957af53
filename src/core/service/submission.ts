import type { Caller } from '../access/caller.ts';
import type { JobType } from '../define-job.ts';
import type { SubmitOptions } from '../input/submit-options.ts';
import type { Job } from '../job.ts';
import type { TraceContext } from '../trace.ts';

export interface Submission {
  readonly type: JobType;
  /** Not parsed yet: `submit` checks it by the type's schema. */
  readonly input: unknown;
  /** What was given beside the input, where errors say that it was, and the base of the URLs of the request, which a webhook shows. */
  readonly options?: {
    readonly given: SubmitOptions | undefined;
    readonly path: readonly string[];
    readonly base: string;
  };
  readonly caller: Caller;
  readonly requestId: string;
  /** Of the request; undefined if it is not traced. */
  readonly trace?: TraceContext | undefined;
  /** The GraphQL field that submits; undefined on REST. */
  readonly field?: string;
  /** 1 to 255 printable ASCII characters. The same caller, type and key return the same job for as long as it is kept. */
  readonly idempotencyKey?: string | undefined;
}

export interface SubmittedJob {
  readonly job: Job;
  /** Whether the job was there before: an earlier submission created it with this idempotency key, or it waited with this deduplication id. */
  readonly replayed: boolean;
}
