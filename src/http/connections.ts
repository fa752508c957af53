import { once as onceEvent } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** Checks in a row without progress after which a reader is dropped. It counts checks, so that a stalled process does not drop its clients. */
const CHECKS = 4;
const GONE = new Error('the client has disconnected');

interface Connection {
  /** Requests whose replies the operating system has not taken over completely. */
  unanswered: number;
  /** Bytes received when the last reply was sent: more of them are a request that is still arriving. */
  bytesRead: number;
  /** Bytes that the operating system had taken over at the last check. */
  bytesTaken: number;
  /** Checks since it took something. */
  stalledChecks: number;
}

/**
 * Tracks a server's connections, for two things that Node does not do.
 *
 * A connection whose client reads nothing for `slowReaderMs` milliseconds is closed, because its unread replies take memory.
 * Bytes in the buffers of the operating system do not count.
 *
 * A server that closes finishes sending all replies. Node considers a connection idle as soon as its reply has been written, and
 * would drop what a slow client has not read yet.
 */
export function watchConnections(server: Server, slowReaderMs: number): void {
  const connections = new Map<Socket, Connection>();

  server.on('connection', (socket: Socket) => {
    connections.set(socket, { unanswered: 0, bytesRead: 0, bytesTaken: 0, stalledChecks: 0 });
    socket.once('close', () => connections.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    const connection = connections.get(socket);
    if (connection === undefined) return;
    connection.unanswered += 1;
    response.once('close', () => {
      connection.unanswered -= 1;
      connection.bytesRead = socket.bytesRead;
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
