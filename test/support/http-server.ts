import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

/** Starts an HTTP server on a free port and resolves to its URL; it ends with the test. */
export async function serve(handler: Handler): Promise<string> {
  const server = createServer((request, response) => void handler(request, response));
  onTestFinished(async () => {
    const closed = new Promise((resolve) => void server.close(resolve));
    server.closeAllConnections();
    await closed;
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server always has an AddressInfo.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Forwards a request to the server at `target`, and streams its reply back. */
export async function forward(target: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const { host: _host, connection: _connection, ...headers } = request.headers;
  const chunks: Buffer[] = await request.toArray();
  try {
    const reply = await fetch(new URL(request.url ?? '/', target), {
      method: request.method ?? 'GET',
      headers: Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
      redirect: 'manual',
      signal: gone.signal,
      ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
    });
    const {
      'content-encoding': _encoding,
      'content-length': _length,
      ...replyHeaders
    } = Object.fromEntries(reply.headers);
    response.writeHead(reply.status, replyHeaders);
    for await (const chunk of reply.body ?? []) response.write(chunk);
    response.end();
  } catch {
    // One side has disconnected.
    response.destroy();
  }
}
