import { ProblemError, parseJson } from './errors.ts';
import { createBackoff } from './retry.ts';

/** Seconds without a reply, in addition to the requested hold, after which a connection counts as broken. */
const REPLY_SECONDS = 60;

/** The server did nothing; the same request may succeed later. */
const TRY_LATER: ReadonlySet<number> = new Set([429, 503]);
/** Statuses of proxies that lost the request or its reply; the server may have processed it. */
const LOST: ReadonlySet<number> = new Set([408, 502, 504]);

export interface TransportOptions {
  readonly baseUrl: string | URL;
  readonly fetch: typeof fetch;
  readonly headers: () => HeadersInit | Promise<HeadersInit>;
  readonly retryForSeconds: number;
}

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /**
   * Seconds for which the server may hold its reply (`Prefer: wait`, RFC 7240, section 4.3). Only the first attempt asks for it,
   * because the failure may be a proxy's shorter timeout.
   * @default 0
   */
  readonly holdSeconds?: number;
  /**
   * Whether the request is idempotent, so that it may be sent again when its reply is lost.
   * @default true
   */
  readonly repeatable?: boolean;
}

export interface Reply {
  readonly headers: Headers;
  /** Whether it took more than one attempt. */
  readonly repeated: boolean;
  /** Undefined if it is not JSON. */
  readonly body: unknown;
}

/** Sends requests with the client's base URL, headers and retries. */
export interface Transport {
  readonly retryForSeconds: number;
  /**
   * Sends a request, and repeats it after failures that may pass.
   * @throws ProblemError for a status of 400 or above; the error of `fetch`; the signal's reason
   */
  request(method: string, path: string, options: RequestOptions): Promise<Reply>;
  /** Sends a GET request once, and resolves when the headers of the reply arrive, with any status. */
  open(path: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Response>;
}

type Outcome =
  | { readonly kind: 'answered'; readonly reply: Omit<Reply, 'repeated'> }
  | { readonly kind: 'failed'; readonly error: unknown; readonly retryAfter: number | undefined };

/** @throws TypeError if the base URL is not valid */
export function createTransport(options: TransportOptions): Transport {
  const { retryForSeconds } = options;
  const base = String(options.baseUrl).replace(/\/+$/, '');
  // Throws now, because a wrong URL would look like a network failure later. A page's own origin is not known where it is rendered on a
  // server.
  if (!/^(\/|$)/.test(base)) void new Request(`${base}/`);

  /** The caller's headers, overridden by the client's own. */
  async function headersWith(own: Readonly<Record<string, string>>): Promise<Headers> {
    const headers = new Headers(await options.headers());
    for (const [name, value] of Object.entries(own)) headers.set(name, value);
    return headers;
  }

  async function send(method: string, path: string, request: RequestOptions): Promise<Outcome> {
    const { body, signal, holdSeconds = 0, repeatable = true } = request;
    const headers = await headersWith({
      Accept: 'application/json',
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...(holdSeconds > 0 && { Prefer: `wait=${holdSeconds}` }),
      ...request.headers,
    });
    signal?.throwIfAborted();
    const timeout = AbortSignal.timeout((holdSeconds + REPLY_SECONDS) * 1000);
    const init = {
      method,
      headers,
      // Browsers serialize requests for the same URL unless they bypass the cache.
      cache: 'no-store' as const,
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    let response: Response;
    let text: string;
    try {
      response = await options.fetch(base + path, init);
      text = await response.text();
    } catch (error) {
      signal?.throwIfAborted();
      if (!repeatable) throw error;
      return { kind: 'failed', error, retryAfter: undefined };
    }
    if (response.ok) return { kind: 'answered', reply: { headers: response.headers, body: parseJson(text) } };
    const error = new ProblemError(response, text);
    if (!isTransient(error.status, repeatable)) throw error;
    return { kind: 'failed', error, retryAfter: error.retryAfter };
  }

  return {
    retryForSeconds,

    async request(method, path, request) {
      const backoff = createBackoff({ retryForSeconds, signal: request.signal });
      for (let repeated = false; ; repeated = true) {
        const outcome = await send(method, path, repeated ? { ...request, holdSeconds: 0 } : request);
        if (outcome.kind === 'answered') return { ...outcome.reply, repeated };
        await backoff.wait(outcome.error, outcome.retryAfter);
      }
    },

    async open(path, headers, signal) {
      return options.fetch(base + path, {
        headers: await headersWith(headers),
        cache: 'no-store',
        signal,
      });
    },
  };
}

/** Whether a request with this status may succeed if it is sent again. */
export function isTransient(status: number, repeatable = true): boolean {
  return TRY_LATER.has(status) || (repeatable && LOST.has(status));
}
