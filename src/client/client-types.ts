import type { Job, SubmittedJob } from './job.ts';
import type { JobTypeMap } from './job-type-map.ts';
import type { JobTypes } from './job-types.ts';

export interface ClientOptions {
  /** Where the server is, with the path prefix that a proxy gives it: `https://api.example.com`. In a browser `''` is the page's own origin. */
  readonly baseUrl: string | URL;
  /** Headers for each request, such as `Authorization`. A function is asked before each one, so that a long wait outlives a token. */
  readonly headers?:
    | Readonly<Record<string, string>>
    | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>);
  /** @default the global `fetch` */
  readonly fetch?: typeof fetch;
  /**
   * Seconds for which a request that fails on the way (no network, 429, 502, 503, 504) is sent again, with growing pauses
   * that are never shorter than the server's `Retry-After`. Then its error is thrown. While waiting for a job they
   * count from the last time that the server was heard.
   * @default 60
   */
  readonly retryForSeconds?: number;
  /**
   * Seconds without a byte after which an event stream counts as broken. The server sends one every 15 s.
   * @default 45
   */
  readonly silenceSeconds?: number;
}

/** Options for job types that the generated `JobTypes` does not know. */
export interface TypedClientOptions<Types> extends ClientOptions {
  /** The REST collection of each job type: `{ thumbnail: 'thumbnails' }`. */
  readonly collections: Readonly<Record<Name<Types>, string>>;
}

export interface CallOptions {
  /**
   * Aborted, it ends the call, which rejects with its reason. It does not cancel the job: that is what `cancel` is for.
   * `AbortSignal.timeout(ms)` bounds a call in time.
   */
  readonly signal?: AbortSignal;
}

export interface FollowOptions extends CallOptions {
  /** The key that a submission returned. It is sent in the place of the client's own `Authorization` and `X-API-Key`. */
  readonly accessToken?: string;
}

export interface SubmitOptions extends CallOptions {
  /**
   * 1 to 255 printable ASCII characters. The same key makes the same job, so that a submission which is made again, after
   * a reload or a crash, is not done again. It lives as long as the job (draft-ietf-httpapi-idempotency-key-header).
   * @default a new one for each call, so that the client itself can send the request again
   */
  readonly idempotencyKey?: string;
}

export interface WaitOptions<Types, Type extends Name<Types>> extends FollowOptions {
  /** Told of the job's present state, and then of each change, the final one too. What it throws ends the wait. */
  readonly onProgress?: (job: Job<Type>) => void;
}

export type Name<Types> = keyof Types & string;

/**
 * All methods throw `ProblemError` for what the server refuses, the network's own error (of `fetch`) when the server can't be
 * reached for `retryForSeconds`, and the signal's reason when it is aborted.
 */
export interface Client<Types extends JobTypeMap<Types> = JobTypes> {
  /**
   * Hands in work. When this resolves, the queue has the job.
   * @throws ProblemError `invalid-input`, whose `errors` tell each field; `idempotency-key-reused`, for another input under the same key
   */
  submit<Type extends Name<Types>>(
    type: Type,
    input: Types[Type]['input'],
    options?: SubmitOptions,
  ): Promise<SubmittedJob<Type>>;
  /**
   * Resolves to the result when the job is done. States are pushed by an event stream, which is opened again when it breaks; where
   * there is none to be had, the server is asked, which it answers when the job is done (RFC 7240, section 4.3), and else
   * not more often than `Retry-After` says. Each wait holds a connection: a browser has six of them for a server, unless
   * something before the server speaks HTTP/2.
   * @throws JobNotSucceededError if it failed or was canceled; ProblemError `not-found` if there is no such job
   */
  wait<Type extends Name<Types>>(
    job: Job<Type> | string,
    options?: WaitOptions<Types, Type>,
  ): Promise<Types[Type]['result']>;
  /** `submit`, then `wait`. */
  submitAndWait<Type extends Name<Types>>(
    type: Type,
    input: Types[Type]['input'],
    options?: SubmitOptions & Omit<WaitOptions<Types, Type>, 'accessToken'>,
  ): Promise<Types[Type]['result']>;
  /** The job's present state. */
  read<Type extends Name<Types>>(job: Job<Type> | string, options?: FollowOptions): Promise<Job<Type>>;
  /**
   * Asks for the end of a job. One that is `Pending` is `Canceled` at once; one that is `Running` ends when its worker hears of it.
   * It is not sent again when its reply is lost.
   * @throws ProblemError `not-cancelable` if it is done
   */
  cancel<Type extends Name<Types>>(job: Job<Type> | string, options?: FollowOptions): Promise<Job<Type>>;
  /**
   * Puts a job that failed or was canceled into the queue again. It is not sent again when its reply is lost.
   * @throws ProblemError `not-retryable` if it did not fail
   */
  retry<Type extends Name<Types>>(job: Job<Type> | string, options?: CallOptions): Promise<SubmittedJob<Type>>;
}
