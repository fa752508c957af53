import { once } from 'node:events';
import { type Server, type ServerResponse, createServer } from 'node:http';
import { type AddressInfo, type Socket, connect } from 'node:net';
import { Readable } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { watchConnections } from '../../src/http/connections.ts';
import { poll } from '../support/follow.ts';
import type { Handler } from '../support/http-server.ts';

/** More than the system buffers for a connection without a reader. */
const LARGE = Buffer.alloc(20_000_000, 'x');
const PIECE = LARGE.subarray(0, 20_000);
const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

async function listen(handler: Handler, slowReaderMs = 30_000) {
  const server = createServer((request, response) => void handler(request, response));
  watchConnections(server, slowReaderMs);
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
