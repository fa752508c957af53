import { once as onceEvent } from 'node:events';
import {
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
  createServer,
} from 'node:http';
import { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** Checks in a row without progress after which a reader is dropped. It counts checks, so that a stalled process does not drop its clients. */
const CHECKS = 4;
/** Requests of one connection that are handled at a time. A client that pipelines more waits, as its replies keep their order anyway. */
const MAX_IN_FLIGHT = 20;
/** Requests that wait on all connections together, with some 4 KB each. A connection that exceeds it is closed. */
const MAX_WAITING = 20_000;
/** Milliseconds in which a client may read the last reply, while the rest of its request is discarded. */
const LINGER_MS = 5000;
const GONE = new Error('the client has disconnected');

const ignore = (): void => undefined;

interface Connection {
  /** Requests whose replies the operating system has not taken over completely. */
  unanswered: number;
  /** Those of them that are being handled. */
  inFlight: number;
  /** The others, which begin when one of those ends. */
  readonly waiting: (() => void)[];
  /** The latest request. */
  latest: IncomingMessage | undefined;
  /** Bytes received when the last reply was sent: more of them are a request that is still arriving. */
  bytesRead: number;
  /** Bytes that the operating system had taken over at the last check. */
  bytesTaken: number;
  /** Checks since it took something. */
  stalledChecks: number;
}

export interface ConnectionLimits {
  /** Milliseconds after which a connection is closed whose client reads nothing. */
  readonly slowReaderMs: number;
  /** More connections than these are closed at once. */
  readonly maxConnections: number;
}

/**
 * Creates a server that keeps control of its connections, for what Node does not do:
 *
 * - A socket has an error listener from its first byte to its last, also when a CONNECT, an upgrade or a hijacked reply takes it from
 *   Node's HTTP server. A reset would end the process otherwise.
 * - Connections, and the requests that each pipelines, are bounded.
 * - A client that still sends its request, such as a body above the limit, can read the reply that refuses it: what it sends is
 *   discarded for a while. Closing at once would make the operating system reset the connection, and the reply would be lost.
 * - A connection whose client reads nothing for `slowReaderMs` milliseconds is closed, because its unread replies take memory.
 *   Bytes in the buffers of the operating system do not count.
 * - A server that closes finishes sending all replies. Node considers a connection idle as soon as its reply has been written, and
 *   would drop what a slow client has not read yet.
 */
export function createWatchedServer(
  options: ServerOptions,
  handle: RequestListener,
  { slowReaderMs, maxConnections }: ConnectionLimits,
): Server {
  const connections = new Map<Socket, Connection>();
  let waiting = 0;

  const server = createServer(options, (request, response) => {
    const { socket } = request;
    const connection = connections.get(socket);
    if (connection === undefined) return handle(request, response);
    connection.latest = request;
    connection.unanswered += 1;
    response.once('close', () => {
      connection.unanswered -= 1;
      connection.bytesRead = socket.bytesRead;
    });
    const begin = (): void => {
      connection.inFlight += 1;
      response.once('close', () => {
        connection.inFlight -= 1;
        beginNext(socket, connection);
      });
      handle(request, response);
    };
    if (connection.inFlight < MAX_IN_FLIGHT) return begin();
    connection.waiting.push(begin);
    waiting += 1;
    socket.pause();
    return waiting > MAX_WAITING ? void socket.destroy() : undefined;
  });

  function beginNext(socket: Socket, { waiting: next }: Connection): void {
    const begin = socket.destroyed ? undefined : next.shift();
    if (begin === undefined) return;
    waiting -= 1;
    if (next.length === 0) socket.resume();
    begin();
  }

  server.on('connection', (socket: Socket) => {
    socket.on('error', ignore);
    if (connections.size >= maxConnections) return void socket.destroy();
    const connection: Connection = {
      unanswered: 0,
      inFlight: 0,
      waiting: [],
      latest: undefined,
      bytesRead: 0,
      bytesTaken: 0,
      stalledChecks: 0,
    };
    connections.set(socket, connection);
    // Node calls it after the last reply.
    socket.destroySoon = () => {
      if (connection.latest?.complete === false) linger(socket);
      else Socket.prototype.destroySoon.call(socket);
    };
    socket.once('close', () => {
      connections.delete(socket);
      waiting -= connection.waiting.length;
      connection.waiting.length = 0;
    });
  });

  server.closeIdleConnections = () => {
    for (const [socket, { unanswered, bytesRead }] of connections)
      if (unanswered === 0 && bytesRead === socket.bytesRead) socket.destroy();
  };

  const dropSlowReaders = (): void => {
    for (const [socket, connection] of connections) {
      const taken = socket.bytesWritten - socket.writableLength;
      if (socket.writableLength === 0 || taken !== connection.bytesTaken) {
        connection.bytesTaken = taken;
        connection.stalledChecks = 0;
      } else if ((connection.stalledChecks += 1) >= CHECKS) socket.destroy();
    }
  };
  let timer: NodeJS.Timeout | undefined;
  server.once('listening', () => (timer = setInterval(dropSlowReaders, slowReaderMs / CHECKS)));
  server.once('close', () => clearInterval(timer));
  return server;
}

/** Closes a connection once the client has read what was written; discards what the client sends until then, for at most 5 s. */
export function linger(socket: Socket): void {
  socket.end();
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
}

/** While a server shuts down, each reply asks the client to connect anew (RFC 9112, section 9.6). */
export function closeConnectionsWhen(app: FastifyInstance, stopping: AbortSignal): void {
  // Replies that bypass Fastify take their headers at the start of the request; others may be held until the shutdown begins.
  app.addHook('onRequest', (_request, reply, done) => {
    if (stopping.aborted) reply.header('Connection', 'close');
    done();
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (stopping.aborted) reply.header('Connection', 'close');
    done(null, payload);
  });
}

/** A signal that is aborted when the client disconnects before its reply is sent. */
export function whenGone(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  const onClose = (): void => {
    if (!response.writableFinished) controller.abort(GONE);
  };
  if (response.destroyed) onClose();
  else response.once('close', onClose);
  return controller.signal;
}

/** Calls a function at most once, and remembers its value. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** Closes the connection in the middle of a reply, after what has been written of it; resolves when it is closed. */
export async function breakOff(response: ServerResponse): Promise<void> {
  response.socket?.destroySoon();
  if (!response.closed) await onceEvent(response, 'close');
}
