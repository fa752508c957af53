import { ProblemError } from './errors.ts';
import { createPatience } from './retry.ts';

/** No reply, for so long after the server held the request back, counts as a broken connection. */
const REPLY_SECONDS = 60;

/** Not now: the same request may succeed later. */
const TRY_LATER: ReadonlySet<number> = new Set([429, 503]);
/** What stands before the server lost it, and does not know what the server did. */
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
   * Seconds for which the server is asked to hold the reply back (`Prefer: wait`, RFC 7240, section 4.3). The first time alone:
   * what stands between may not have the patience.
   * @default 0
   */
  readonly holdSeconds?: number;
  /**
   * Whether doing it twice does no more than doing it once, so that it may be sent again when its reply was lost.
   * @default true
   */
  readonly repeatable?: boolean;
}

export interface Reply {
  readonly headers: Headers;
  /** Whether it took more than one try. */
  readonly repeated: boolean;
  /** Undefined if it is not JSON. */
  readonly body: unknown;
}

/** Sends requests, with what all of them have in common. */
export interface Transport {
  readonly retryForSeconds: number;
  /**
   * Sends a request, again if need be, until it is answered.
   * @throws ProblemError for a reply of 400 and above; the network's error; the signal's reason
   */
  request(method: string, path: string, options: RequestOptions): Promise<Reply>;
  /** Sends a GET once, and resolves with the head of the reply, whatever its status. */
  open(path: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Response>;
}

type Outcome =
  | { readonly kind: 'answered'; readonly reply: Omit<Reply, 'repeated'> }
  | { readonly kind: 'failed'; readonly error: unknown; readonly retryAfter: number | undefined };

/** @throws TypeError if the base URL is none */
export function createTransport(options: TransportOptions): Transport {
  const { retryForSeconds } = options;
  const base = String(options.baseUrl).replace(/\/+$/, '');
  // It throws where a wrong URL would look like a network that fails. A browser takes a relative one.
  void new Request(`${base}/`);

  /** The caller's headers, and ours, which count where both have one. */
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
    const tooLong = AbortSignal.timeout((holdSeconds + REPLY_SECONDS) * 1000);
    const init = {
      method,
      headers,
      // A browser makes requests for the same URL wait for each other, unless they keep out of its cache.
      cache: 'no-store' as const,
      signal: signal === undefined ? tooLong : AbortSignal.any([signal, tooLong]),
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
    if (!isPassing(error.status, repeatable)) throw error;
    return { kind: 'failed', error, retryAfter: error.retryAfter };
  }

  return {
    retryForSeconds,

    async request(method, path, request) {
      const patience = createPatience({ retryForSeconds, signal: request.signal });
      for (let repeated = false; ; repeated = true) {
        const outcome = await send(method, path, repeated ? { ...request, holdSeconds: 0 } : request);
        if (outcome.kind === 'answered') return { ...outcome.reply, repeated };
        await patience.wait(outcome.error, outcome.retryAfter);
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

/** Whether a reply with this status asks for another try. */
export function isPassing(status: number, repeatable = true): boolean {
  return TRY_LATER.has(status) || (repeatable && LOST.has(status));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
