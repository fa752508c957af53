import type { Batch, BatchReference, BatchResult, SubmittedBatch } from './batch.ts';
import type { Job, JobReference, SubmittedJob } from './job.ts';
import type { Output } from './output.ts';
import type { AnyJobTypes, JobTypeMap } from './job-type-map.ts';

export interface ClientOptions {
  /**
   * URL of the server, including any path prefix added by a proxy: `https://api.example.com`. In a browser, `''` means the page's own
   * origin, and `'/prefix'` a path on it.
   */
  readonly baseUrl: string | URL;
  /** Headers to send with each request, such as `Authorization`. A function is called before every request, so it can return a fresh token. */
  readonly headers?:
    | Readonly<Record<string, string>>
    | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>);
  /** @default the global `fetch` at the time of each request */
  readonly fetch?: typeof fetch;
  /**
   * Seconds during which a request is retried after a network error or a 408, 429, 502, 503 or 504, with exponential backoff and never
   * before the server's `Retry-After`. After that, its error is thrown. While waiting for a job, the time counts from the last data that
   * the server sent.
   * @default 60
   */
  readonly retryForSeconds?: number;
  /**
   * Seconds without data after which an event stream counts as broken. The server sends a heartbeat every 15 s.
   * @default 45
   */
  readonly silenceSeconds?: number;
  /**
   * The REST collection of each job type that the client submits: `{ thumbnail: 'thumbnails' }`. The `createClient` that
   * `accepted generate` writes passes them.
   * @default none; jobs of every type can be followed by their ids
   */
  readonly collections?: Readonly<Record<string, string>>;
}

export interface CallOptions {
  /**
   * Aborting it rejects the call with the signal's reason. The job continues; use `cancel` to cancel it.
   * `AbortSignal.timeout(ms)` sets a deadline for a call.
   */
  readonly signal?: AbortSignal;
}

export interface FollowOptions extends CallOptions {
  /** The access token that a submission returned. It is sent instead of the client's own `Authorization` and `X-API-Key`. */
  readonly accessToken?: string | undefined;
}

export interface OutputOptions extends FollowOptions {
  /**
   * The `sequence` of the last piece that the caller has: those behind it follow.
   * @default 0, for all
   */
  readonly after?: number | undefined;
}

/** What a submission may say of its job beside the input. A time is a `Date`, or text as RFC 3339 has it. */
export interface JobOptions {
  /** Seconds before which the job does not run, up to 30 days. */
  readonly delaySeconds?: number | undefined;
  /** The time before which the job does not run, in place of `delaySeconds`. One in the past means at once. */
  readonly runAt?: Date | string | undefined;
  /** If no attempt has begun by this time, the job ends as `Canceled`, with the code `JOB_EXPIRED`. */
  readonly startBefore?: Date | string | undefined;
  /** The same in seconds after the job may run: after its submission, or the time that it waits for. */
  readonly startWithinSeconds?: number | undefined;
  /**
   * 0 to 9: of the jobs of a type that one caller has waiting, those with a higher one run first.
   * @default the job type's, or 0
   */
  readonly priority?: number | undefined;
  /**
   * Up to 10 texts of 1 to 64 printable characters without commas, by which lists can be filtered.
   * @default the job type's, or none
   */
  readonly tags?: readonly string[] | undefined;
  /** The https URL to which the server sends how the job ended, signed as Standard Webhooks says. */
  readonly webhook?: string | undefined;
  /**
   * While a job of the same type and caller with this id waits for its first attempt, the submission gets that job and adds none. 1 to 50
   * printable characters without commas.
   */
  readonly dedupeId?: string | undefined;
  /** Seconds after the submission of the job that waits, beyond which others no longer get it. */
  readonly dedupeSeconds?: number | undefined;
  /**
   * Whether that job has the input of the first submission or of the last.
   * @default 'first'
   */
  readonly dedupeMode?: 'first' | 'last' | undefined;
}

export interface SubmitOptions extends CallOptions, JobOptions {
  /**
   * 1 to 255 printable ASCII characters. Submitting again with the same key, such as after a reload or a crash, returns the same job
   * and does no work twice. The key is valid until the job expires (draft-ietf-httpapi-idempotency-key-header).
   * @default a random key for each call, which makes the client's own retries safe
   */
  readonly idempotencyKey?: string;
}

export interface WaitOptions<Types, Type extends Name<Types>> extends FollowOptions {
  /** Called with the job's current state and after each change, including the final one. If it throws, the wait rejects with that error. */
  readonly onProgress?: (job: Job<Type>) => void;
}

export interface WaitForBatchOptions<Type extends string> extends CallOptions {
  /** Called with the batch's current state and after each change that is seen. If it throws, the wait rejects with that error. */
  readonly onProgress?: (batch: Batch<Type>) => void;
}

export interface UploadOptions extends CallOptions {
  /** At most 255 characters without slashes. @default the name of a `File`, or 'file' */
  readonly name?: string | undefined;
  /** @default the blob's type, or 'application/octet-stream' */
  readonly contentType?: string | undefined;
}

/** A file for the input of a job. */
export interface UploadedFile {
  readonly id: string;
}

export type Name<Types> = keyof Types & string;

/**
 * Every method can throw `ProblemError` if the server refuses the request, the error of `fetch` if the server stays unreachable for
 * `retryForSeconds`, and the signal's reason if it is aborted.
 */
export interface Client<Types extends JobTypeMap<Types> = AnyJobTypes> {
  /**
   * Submits a job. When this resolves, the job is stored in the queue.
   * @throws ProblemError `invalid-input`, with one entry in `errors` for each invalid field; `idempotency-key-reused` if the key was used
   * with a different input or other options; TypeError if `collections` lacks the type
   */
  submit<Type extends Name<Types>>(
    type: Type,
    input: Types[Type]['input'],
    options?: SubmitOptions,
  ): Promise<SubmittedJob<Type>>;
  /**
   * Resolves to the result when the job has succeeded. It follows the job's event stream and reconnects when the stream breaks. Without
   * a working stream it polls: each poll asks the server to hold its reply until the job is done (RFC 7240, section 4.3), and polls are
   * at least `Retry-After` apart otherwise. Each wait occupies a connection, of which browsers allow six per server unless a proxy
   * provides HTTP/2.
   * @throws JobNotSucceededError if the job failed or was canceled; ProblemError `not-found` if no job has this id, `expired` if it had
   * one until its retention was over
   */
  wait<Type extends Name<Types>>(
    job: JobReference<Type>,
    options?: WaitOptions<Types, Type>,
  ): Promise<Types[Type]['result']>;
  /** `submit`, then `wait`. */
  submitAndWait<Type extends Name<Types>>(
    type: Type,
    input: Types[Type]['input'],
    options?: SubmitOptions & Omit<WaitOptions<Types, Type>, 'accessToken'>,
  ): Promise<Types[Type]['result']>;
  /**
   * Yields what the job's function publishes, from the first piece on and each as it comes, in order and once, until the job is done; what became
   * of the job, `wait` and `read` tell. A connection that breaks is opened again, and goes on behind the last piece.
   * @throws ProblemError `not-found` if no job has this id, `expired` if it had one until its retention was over
   */
  output<Type extends Name<Types>>(job: JobReference<Type>, options?: OutputOptions): AsyncGenerator<Output, void>;
  /**
   * Reads the job's current state.
   * @throws ProblemError `not-found` if no job has this id, `expired` if it had one until its retention was over
   */
  read<Type extends Name<Types>>(job: JobReference<Type>, options?: FollowOptions): Promise<Job<Type>>;
  /**
   * Requests the cancellation of a job. A `Pending` job is `Canceled` at once; a `Running` one when its worker receives the request.
   * The request is not repeated if its reply is lost.
   * @throws ProblemError `not-cancelable` if the job is done
   */
  cancel<Type extends Name<Types>>(job: JobReference<Type>, options?: FollowOptions): Promise<Job<Type>>;
  /**
   * Returns a job that failed or was canceled to the queue. The request is not repeated if its reply is lost.
   * @throws ProblemError `not-retryable` if the job has neither failed nor been canceled
   */
  retry<Type extends Name<Types>>(job: JobReference<Type>, options?: CallOptions): Promise<SubmittedJob<Type>>;
  /**
   * Submits up to 1,000 jobs in one request. Each input is checked by itself: `items` has, in order, the job or the error of each. When this
   * resolves, the queue has stored the jobs of all valid inputs.
   * @param options for all of the jobs; the key stands for the whole batch
   * @throws ProblemError as `submit` does; `invalid-input` where none of the inputs is valid
   */
  submitMany<Type extends Name<Types>>(
    type: Type,
    inputs: readonly Types[Type]['input'][],
    options?: SubmitOptions,
  ): Promise<SubmittedBatch<Type>>;
  /**
   * Resolves when all jobs of a batch are done, whatever became of them. It polls: each poll asks the server to hold its reply until then.
   * @throws ProblemError `not-found` if no batch has this id
   */
  waitForBatch<Type extends Name<Types>>(
    batch: BatchReference<Type>,
    options?: WaitForBatchOptions<Type>,
  ): Promise<Batch<Type>>;
  /**
   * Yields the results of a batch in the order of its inputs, as the server reads them. A job that is not done has none yet, and an input
   * that was refused is left out.
   * @throws ProblemError `not-found` if no batch has this id
   */
  batchResults<Type extends Name<Types>>(
    batch: BatchReference<Type>,
    options?: CallOptions,
  ): AsyncGenerator<BatchResult<Types[Type]['result']>, void>;
  /**
   * Sends a file to the server, or to its bucket, for the input of one job: `submit('report', { document: await client.upload(file) })`. It is kept for an
   * hour, and then as long as its job. Sent again where the connection is lost.
   * @throws ProblemError `invalid-input`, also for a file that is too large; `quota-exceeded` where too many uploads wait for their jobs
   */
  upload(file: Blob, options?: UploadOptions): Promise<UploadedFile>;
  /** Cancels the jobs of a batch that are not done. The request is not repeated if its reply is lost. */
  cancelBatch<Type extends Name<Types>>(batch: BatchReference<Type>, options?: CallOptions): Promise<Batch<Type>>;
}
