/** One request to a receiver. */
import { type IncomingMessage, Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { DeliveryError } from '../core/webhook/delivery.ts';
import { type Guard, type PinnedAddress, RefusedAddressError, UnknownHostError } from './guard.ts';

/** The longest wait for the reply, from the look-up of the host on, in milliseconds. */
const REPLY_MS = 15_000;
/** The body of a reply is of no interest. So much of it is read, for so many milliseconds, so that a receiver can end it as it is used to. */
const MAX_REPLY_BYTES = 16_384;
const REPLY_BODY_MS = 1000;
const MAX_HEADER_BYTES = 16_384;

/** Connections of their own, without the proxies that environment variables name: a proxy would look the host up again. */
const AGENTS = {
  http: new HttpAgent({ keepAlive: false }),
  https: new HttpsAgent({ keepAlive: false, rejectUnauthorized: true }),
};

const TLS = /EPROTO|CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH/;

export type Sent =
  | { readonly statusCode: number; readonly error: 'REDIRECT' | null; readonly retryAfterMs: number | undefined }
  | { readonly statusCode: null; readonly error: DeliveryError };

export interface SendOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly guard: Guard;
  /** Ends the request at once. */
  readonly signal: AbortSignal;
  /** @default 15 seconds */
  readonly replyMs?: number | undefined;
}

/**
 * Sends a POST to an address that was checked, and follows no redirect.
 * @throws the reason of `signal`, if it is aborted
 */
export async function send({ signal, replyMs = REPLY_MS, ...options }: SendOptions): Promise<Sent> {
  const late = AbortSignal.timeout(replyMs);
  try {
    return await post(options, AbortSignal.any([signal, late]));
  } catch (error) {
    signal.throwIfAborted();
    return { statusCode: null, error: late.aborted ? 'TIMEOUT' : classOf(error) };
  }
}

async function post(
  { url, headers, body, guard }: Omit<SendOptions, 'signal' | 'replyMs'>,
  signal: AbortSignal,
): Promise<Sent> {
  const parsed = new URL(url);
  const addresses = await guard.resolve(parsed, signal);
  signal.throwIfAborted();
  const isTls = parsed.protocol === 'https:';
  const options = {
    method: 'POST',
    headers: { ...headers, 'Content-Length': Buffer.byteLength(body) },
    agent: isTls ? AGENTS.https : AGENTS.http,
    lookup: pinned(addresses),
    maxHeaderSize: MAX_HEADER_BYTES,
    signal,
  };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = isTls ? httpsRequest(parsed, options, resolve) : httpRequest(parsed, options, resolve);
  // It stays for errors after the reply began.
  request.on('error', reject);
  request.end(body);
  const reply = await promise;
  await discard(reply);
  const { statusCode = 0 } = reply;
  return {
    statusCode,
    error: statusCode >= 300 && statusCode < 400 ? 'REDIRECT' : null,
    retryAfterMs: toMs(reply.headers['retry-after']),
  };
}

/** Connects to these addresses, whatever a server of names says by now. */
function pinned(addresses: readonly PinnedAddress[]): LookupFunction {
  return (_host, { all }, callback) => {
    const [first] = addresses;
    if (all === true) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family);
  };
}

async function discard(reply: IncomingMessage): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let bytes = 0;
  const timer = setTimeout(resolve, REPLY_BODY_MS);
  reply.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_REPLY_BYTES) resolve();
  });
  reply.on('error', () => resolve());
  reply.on('close', () => resolve());
  await promise;
  clearTimeout(timer);
  reply.destroy();
}

/** Seconds, or a date (RFC 9110, section 10.2.3). */
function toMs(retryAfter: string | undefined): number | undefined {
  if (retryAfter === undefined) return undefined;
  if (/^\d{1,9}$/.test(retryAfter)) return Number(retryAfter) * 1000;
  const at = Date.parse(retryAfter);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

function classOf(error: unknown): DeliveryError {
  if (error instanceof RefusedAddressError) return 'REFUSED_ADDRESS';
  if (error instanceof UnknownHostError) return 'DNS';
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return TLS.test(code) ? 'TLS' : 'CONNECTION';
}
