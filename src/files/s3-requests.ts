/** Signed requests to S3 (AWS Signature Version 4), each with a deadline. */
import { AwsV4Signer } from 'aws4fetch';
import { FileMissingError, FileStoreError } from '../core/files/file-store.ts';

/** Milliseconds for a request without much of a body, and for one that moves megabytes. */
const REPLY_MS = 10_000;
const LONG_MS = 60_000;
/** Milliseconds without a byte after which a download is given up. */
const SILENCE_MS = 30_000;

export interface S3Settings {
  readonly bucket: string;
  /** Of all keys: empty, or with a slash at its end. */
  readonly prefix: string;
  /** Without a slash at its end. */
  readonly endpoint: string;
  /** As clients reach it. */
  readonly publicEndpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
}

interface RequestOptions {
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array<ArrayBuffer> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Statuses that are no failure. @default [200] */
  readonly expect?: readonly number[];
  /** Whether it moves megabytes. */
  readonly long?: boolean;
}

export interface S3Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface S3Requests {
  /** @throws FileStoreError, also for another status; the reason of the signal */
  send(method: string, key: string, options?: RequestOptions): Promise<S3Reply>;
  /** Opens a file. @throws FileMissingError, FileStoreError */
  open(key: string, options: Pick<RequestOptions, 'headers' | 'signal'>): Promise<AsyncIterable<Uint8Array>>;
  /** A URL that needs no credentials. @param from seconds since 1970 */
  presign(
    method: 'GET' | 'PUT',
    key: string,
    headers: Readonly<Record<string, string>>,
    from: number,
    seconds: number,
  ): Promise<string>;
}

export function createS3Requests(settings: S3Settings): S3Requests {
  const { bucket, endpoint, publicEndpoint, region, accessKeyId, secretAccessKey, sessionToken } = settings;
  const shared = {
    service: 's3',
    region,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
    /** Keys of signatures, one for each day: those of the days before are dropped. */
    cache: new Map<string, ArrayBuffer>(),
  };

  async function request(method: string, key: string, options: RequestOptions, signal: AbortSignal): Promise<Response> {
    const { query = {}, headers = {}, body } = options;
    const search = new URLSearchParams(query).toString();
    const url = `${endpoint}/${bucket}${key === '' ? '' : `/${key}`}${search === '' ? '' : `?${search}`}`;
    if (shared.cache.size > 2) shared.cache.clear();
    const signed = await new AwsV4Signer({ ...shared, method, url, headers, body: body ?? null }).sign();
    try {
      return await fetch(signed.url, {
        method,
        headers: signed.headers,
        body: body ?? null,
        signal,
        redirect: 'manual',
      });
    } catch (error) {
      throw toFailure(error, options.signal);
    }
  }

  return {
    async send(method, key, options = {}) {
      const { expect = [200], signal, long = false } = options;
      const deadline = AbortSignal.timeout(long ? LONG_MS : REPLY_MS);
      const response = await request(method, key, options, signal ? AbortSignal.any([signal, deadline]) : deadline);
      const { status, headers } = response;
      let text: string;
      try {
        text = await response.text();
      } catch (error) {
        throw toFailure(error, signal);
      }
      if (expect.includes(status)) return { status, headers, text };
      const code = /<Code>(\w+)<\/Code>/.exec(text)?.[1];
      throw new FileStoreError(`S3 replied ${[status, code].join(' ').trim()} to a ${method}`, {
        mayPass: status >= 500 || status === 429,
      });
    },

    async open(key, { headers, signal }) {
      const silence = new Silence();
      const both = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
      try {
        const response = await request('GET', key, { headers, signal }, both);
        const { status, body } = response;
        if ((status === 200 || status === 206) && body !== null) return watched(body, silence, signal);
        await body?.cancel();
        if (status === 404) throw new FileMissingError('there is no such file');
        throw new FileStoreError(`S3 replied ${status} to a GET`);
      } catch (error) {
        silence.end();
        throw error;
      }
    },

    async presign(method, key, headers, from, seconds) {
      const datetime = new Date(from * 1000).toISOString().replaceAll(/[:-]|\.\d{3}/g, '');
      const url = `${publicEndpoint}/${bucket}/${key}?X-Amz-Expires=${seconds}`;
      if (shared.cache.size > 2) shared.cache.clear();
      const signer = new AwsV4Signer({ ...shared, method, url, headers, datetime, signQuery: true, allHeaders: true });
      return (await signer.sign()).url.href;
    },
  };
}

/** Aborts its signal when a download was silent for too long. */
class Silence {
  readonly #controller = new AbortController();
  #timer = this.#start();

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  #start(): NodeJS.Timeout {
    return setTimeout(() => this.#controller.abort(), SILENCE_MS);
  }

  begin(): void {
    this.#timer = this.#start();
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

/** Gives up a download that is silent. A reader that takes its time does not count as silence. */
async function* watched(
  body: AsyncIterable<Uint8Array>,
  silence: Silence,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  try {
    for await (const chunk of body) {
      silence.end();
      yield chunk;
      silence.begin();
    }
  } catch (error) {
    throw toFailure(error, signal);
  } finally {
    silence.end();
  }
}

/** The reason of a signal, or else that S3 could not be reached. */
function toFailure(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true) return signal.reason;
  return new FileStoreError('S3 cannot be reached, or does not answer', { mayPass: true, cause: error });
}
