import { once } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import { type AddressInfo, type Socket, connect } from 'node:net';
import { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createWatchedServer } from '../../src/http/connections.ts';
import { poll } from '../support/follow.ts';
import type { Handler } from '../support/http-server.ts';

/** More than the system buffers for a connection without a reader. */
const LARGE = Buffer.alloc(20_000_000, 'x');
const PIECE = LARGE.subarray(0, 20_000);
const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

async function listen(handler: Handler, slowReaderMs = 30_000, maxConnections = 100) {
  const limits = { slowReaderMs, maxConnections };
  const server = createWatchedServer({}, (request, response) => void handler(request, response), limits);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  // A listening TCP server always has an AddressInfo.
  return { server, port: (server.address() as AddressInfo).port };
}

/** Connects, sends something, and reads nothing. */
async function send(port: number, text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').pause();
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

/** Reads a connection to its end, and resolves to the number of bytes. */
async function drain(socket: Socket): Promise<number> {
  let length = 0;
  socket.on('data', ({ length: more }) => (length += more));
  await once(socket.resume(), 'close');
  return length;
}

describe('a server that closes', () => {
  it('sends the whole reply, even to a late reader', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { server, port } = await listen((_request, response) => {
      response.setHeader('Content-Length', LARGE.length);
      response.end(LARGE);
      resolve();
    });
    const socket = await send(port, GET);
    await promise;
    const closed = once(server, 'close');
    server.close();
    const idle = setInterval(() => server.closeIdleConnections(), 10);
    onTestFinished(() => clearInterval(idle));
    expect(await drain(socket)).toBeGreaterThan(LARGE.length);
    await closed;
  });

  it('closes connections without a request, and those whose reply has been sent', async () => {
    const { server, port } = await listen((_request, response) => response.end('done'));
    await send(port, '');
    const answered = await send(port, GET);
    await once(answered.resume(), 'data');
    const closed = once(server, 'close');
    server.close();
    expect(await closed).toEqual([]);
  });

  it('answers a request that had begun to arrive', async () => {
    const { server, port } = await listen((_request, response) => {
      response.setHeader('Connection', 'close');
      response.end('done');
    });
    const socket = await send(port, GET.slice(0, 20));
    await poll(
      () => new Promise<number>((resolve) => void server.getConnections((_error, count) => resolve(count))),
      (count) => count === 1,
    );
    // A reply on a later connection shows that the bytes of this one have arrived.
    await once((await send(port, GET)).resume(), 'data');
    server.close();
    socket.write(GET.slice(20));
    expect(await drain(socket)).toBeGreaterThan(0);
  });
});

describe('a reader', () => {
  /** Sends a request whose reply exceeds the system's buffers; resolves when the server drops the connection. */
  async function stall(port: number, server: Server): Promise<Socket> {
    const { promise, resolve } = Promise.withResolvers<void>();
    server.once('connection', (connection: Socket) => void connection.once('close', () => resolve()));
    const socket = await send(port, GET);
    await promise;
    return socket;
  }

  it('that does not read what it is sent is dropped', async () => {
    const { server, port } = await listen((_request, response) => response.end(LARGE), 40);
    expect(await drain(await stall(port, server))).toBeLessThan(LARGE.length);
  });

  it('with nothing to read is not dropped', async () => {
    const { promise, resolve } = Promise.withResolvers<ServerResponse>();
    const { server, port } = await listen((_request, response) => {
      if (!response.write('x')) return;
      resolve(response);
      server.removeAllListeners('request').on('request', (_, other) => other.end(LARGE));
    }, 40);
    const socket = await send(port, GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
    await once(socket.resume(), 'data');
    // Within the time after which another one is dropped.
    await stall(port, server);
    // In chunks, because the progress of a reader within one chunk cannot be observed.
    Readable.from(Array.from({ length: LARGE.length / PIECE.length }, () => PIECE)).pipe(await promise);
    expect(await drain(socket)).toBeGreaterThan(LARGE.length);
  });
});

describe('a client that pipelines 1,000 requests', () => {
  it('has at most 20 of them handled at a time, and gets all replies in order', async () => {
    const responses: ServerResponse[] = [];
    let most = 0;
    const { port } = await listen((request, response) => {
      responses.push(response);
      most = Math.max(most, responses.length);
      // Ends them when no more arrive.
      setImmediate(() => responses.shift()?.end(`${request.url} `));
    });
    const count = 1000;
    const socket = await send(port, Array.from({ length: count }, (_, n) => GET.replace('/', `/${n}/`)).join(''));
    let got = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (got += chunk));
    socket.resume();
    await poll(
      async () => got,
      (reply) => reply.includes(`/${count - 1}/`),
    );
    expect(most).toBe(20);
    expect([...got.matchAll(/\/(\d+)\//g)].map(([, n]) => Number(n))).toEqual(
      Array.from({ length: count }, (_, n) => n),
    );
  });

  it('and leaves has none of the others handled', async () => {
    let handled = 0;
    const { server, port } = await listen(() => (handled += 1));
    const socket = await send(port, GET.repeat(1000));
    await poll(
      async () => handled,
      (count) => count === 20,
    );
    socket.resetAndDestroy();
    await poll(
      () => new Promise<number>((resolve) => void server.getConnections((_error, count) => resolve(count))),
      (count) => count === 0,
    );
    expect(handled).toBe(20);
  });
});

describe('a server with the maximum number of connections', () => {
  it('closes a further one, and serves the others', async () => {
    const { port } = await listen((_request, response) => response.end('done'), 30_000, 2);
    const first = await send(port, '');
    await send(port, '');
    const third = connect(port, '127.0.0.1').resume();
    third.on('error', () => undefined);
    await once(third, 'close');
    first.write(GET);
    expect(String(await once(first.resume(), 'data'))).toContain('200 OK');
  });
});

describe('a client that still sends when it is refused', () => {
  it.each(['close', 'keep-alive'])('can read the reply (Connection: %s)', async (connection) => {
    const { port } = await listen((_request, response) => {
      response.writeHead(413, { Connection: 'close' });
      response.end('too large');
    });
    const socket = await send(port, '');
    let failed: unknown;
    socket.on('error', (error) => (failed = error));
    socket.write(
      `POST / HTTP/1.1\r\nHost: localhost\r\nConnection: ${connection}\r\nContent-Length: ${LARGE.length}\r\n\r\n`,
    );
    // More than the buffers take, written although the reply is there.
    for (let sent = 0; sent < LARGE.length; sent += PIECE.length)
      if (!socket.write(PIECE)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
    let got = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (got += chunk));
    await once(socket.resume(), 'close');
    expect(failed).toBeUndefined();
    expect(got).toMatch(/^HTTP\/1\.1 413 .*too large/s);
  });
});
