import type { Caller } from '../access/caller.ts';
import type { Urls } from '../urls.ts';

/** What the HTTP server knows of a request, for both faces. */
export interface RequestContext {
  readonly requestId: string;
  readonly caller: Caller;
  readonly urls: Urls;
  /** The key of a job that came in the URL, and has to be in one that the client is sent to. */
  readonly accessToken: string | undefined;
  /** The `Idempotency-Key` header as it was sent. */
  readonly idempotencyKeyHeader: string | undefined;
  /** Aborted when the client has gone before its reply was sent. */
  whenGone(): AbortSignal;
  /** Ends the connection in the middle of the reply, so that the client comes again; resolves when it has ended. */
  breakOff(): Promise<void>;
}
