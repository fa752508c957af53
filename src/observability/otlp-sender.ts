import { request as requestHttp, Agent as HttpAgent, type IncomingMessage } from 'node:http';
import { request as requestHttps, Agent as HttpsAgent } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** As OpenTelemetry's specification of OTLP exporters sets them. */
export interface OtlpSettings {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly isCompressed: boolean;
}

const RETRYABLE = new Set([429, 502, 503, 504]);
const MAX_TRIES = 6;
const FIRST_WAIT_MS = 1000;
const WAIT_FACTOR = 1.5;
const JITTER = 0.2;

const compress = promisify(gzip);

export interface OtlpSender {
  /** @throws Error where the receiver did not take it in time */
  send(body: Buffer): Promise<void>;
  close(): void;
}

/** Sends to a receiver of OTLP over HTTP (opentelemetry.io/docs/specs/otlp, "OTLP/HTTP"). */
export function createOtlpSender({ url, headers, timeoutMs, isCompressed }: OtlpSettings): OtlpSender {
  const isHttps = url.startsWith('https:');
  const agent = isHttps ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  const request = isHttps ? requestHttps : requestHttp;
  const fixed = {
    'Content-Type': 'application/x-protobuf',
    'User-Agent': 'OTel-OTLP-Exporter-JavaScript/accepted',
    ...(isCompressed && { 'Content-Encoding': 'gzip' }),
    ...headers,
  };

  const post = (body: Buffer, signal: AbortSignal): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const options = { method: 'POST', agent, signal, headers: { ...fixed, 'Content-Length': body.length } };
      request(url, options, (response) => {
        // Nothing in it is needed.
        response.resume().once('close', () => resolve(response));
      })
        .once('error', reject)
        .end(body);
    });

  return {
    async send(body) {
      const sent = isCompressed ? await compress(body) : body;
      const deadline = performance.now() + timeoutMs;
      const signal = AbortSignal.timeout(timeoutMs);
      let wait = FIRST_WAIT_MS;
      for (let tries = 1; ; tries += 1) {
        let failure: unknown;
        let waitMs = wait * (1 + JITTER * (2 * Math.random() - 1));
        try {
          const { statusCode = 0, headers: received } = await post(sent, signal);
          if (statusCode < 300) return;
          failure = new Error(`the receiver of traces answered ${statusCode}`);
          if (!RETRYABLE.has(statusCode)) throw failure;
          const seconds = Number(received['retry-after']);
          if (seconds > 0) waitMs = seconds * 1000;
        } catch (error) {
          if (error === failure || signal.aborted) throw error;
          failure = error;
        }
        if (tries === MAX_TRIES || performance.now() + waitMs > deadline) throw failure;
        await delay(waitMs);
        wait *= WAIT_FACTOR;
      }
    },
    close: () => agent.destroy(),
  };
}
