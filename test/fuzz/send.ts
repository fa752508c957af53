import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';

/** A reply that takes longer counts as a hang: these requests never ask for a longer hold. */
const DEADLINE_MS = 45_000;

/** A generated request. */
export interface FuzzRequest {
  readonly method: string;
  /** With its query, exactly as sent; printable ASCII. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | undefined;
}

/** A complete reply. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

export interface Client {
  /** @throws if no complete reply arrives in time */
  send(request: FuzzRequest): Promise<Reply>;
  /** Sends bytes, ends the connection, and resolves to the reply. */
  sendBytes(bytes: Buffer): Promise<string>;
  close(): void;
}

/** A client that sends requests unchanged, over a few persistent connections. */
export function createClient(url: string): Client {
  const { hostname, port } = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  return {
    async send({ method, path, headers, body }) {
      const signal = AbortSignal.timeout(DEADLINE_MS);
      const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
      const options = { agent, hostname, port, method, path, signal, headers: { ...headers, ...length } };
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        request(options, resolve).once('error', reject).end(body);
      });
      return {
        status: response.statusCode ?? 0,
        headers: toHeaders(response),
        body: decode(await buffer(response), response.headers['content-encoding']),
      };
    },
    async sendBytes(bytes) {
      const socket = connect({ port: Number(port), host: hostname, signal: AbortSignal.timeout(DEADLINE_MS) });
      socket.end(bytes);
      let received = '';
      try {
        for await (const chunk of socket.setEncoding('utf8')) received += chunk;
      } catch (error) {
        // A server may leave bytes unread when it closes, which resets the connection.
        if (!(error instanceof Error && 'code' in error && error.code === 'ECONNRESET')) throw error;
      }
      return received;
    },
    close: () => agent.destroy(),
  };
}

const DECODERS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  br: brotliDecompressSync,
  gzip: gunzipSync,
  deflate: inflateSync,
  zstd: zstdDecompressSync,
};

/** A reply to HEAD has the encoding of one to GET, and no body. */
function decode(bytes: Buffer, encoding = ''): string {
  const decoder = bytes.length > 0 ? DECODERS[encoding] : undefined;
  return (decoder?.(bytes) ?? bytes).toString();
}

function toHeaders({ headersDistinct }: IncomingMessage): Headers {
  const entries = Object.entries(headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
  return new Headers(entries);
}
