import type { Caller } from '../access/caller.ts';
import type { ProblemName } from '../errors.ts';
import type { TraceContext } from '../trace.ts';
import type { Span } from '../tracer.ts';
import type { Urls } from '../urls.ts';

/** What an API finds out about a request, for the metrics and the log. */
export interface RequestFacts {
  readonly id: string;
  /** The kind and the root field of a GraphQL operation, such as `mutation submitThumbnail`; undefined for any other request. */
  operation: string | undefined;
  /** Why the request was refused or failed. */
  problem: ProblemName | undefined;
  /** The one job that the request is about, where its URL does not say so. */
  jobId: string | undefined;
}

/** What the HTTP server passes to both APIs with each request. */
export interface RequestContext {
  readonly requestId: string;
  readonly facts: RequestFacts;
  /** Of the request; undefined if it is not traced. */
  readonly trace: TraceContext | undefined;
  /** Undefined where requests are not recorded as spans. */
  readonly span: Span | undefined;
  readonly caller: Caller;
  readonly urls: Urls;
  /** A job's access token from the URL; URLs that the client is redirected to must carry it too. */
  readonly accessToken: string | undefined;
  /** The raw `Idempotency-Key` header. */
  readonly idempotencyKeyHeader: string | undefined;
  /**
   * Counts more work of this request against the caller's limit; undefined without a limit.
   * @throws ServiceError `rate-limited`
   */
  readonly countMore?: (() => Promise<void>) | undefined;
  /** Aborted when the client disconnects before the reply was sent. */
  whenGone(): AbortSignal;
  /** Closes the connection in the middle of a reply, so that the client reconnects; resolves when it is closed. */
  breakOff(): Promise<void>;
}
