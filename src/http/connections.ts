import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** Checks in a row without progress after which a reader is dropped. Counted, so that a process that was late itself drops nobody. */
const CHECKS = 4;

interface Connection {
  /** Requests whose replies have not all been taken over by the system. */
  unanswered: number;
  /** Bytes that had come when the last reply was sent: more are a request that is on its way. */
  bytesRead: number;
  /** Bytes that the system had taken at the last check. */
  bytesTaken: number;
  /** Checks since it took something. */
  stalledChecks: number;
}

/**
 * Keeps account of a server's connections, for two things that Node does not do.
 *
 * A reader that takes nothing of what it is sent for `slowReaderMs` milliseconds is dropped: what waits for it is memory.
 * Bytes that the system still holds for it do not count.
 *
 * A server that closes lets all replies be sent to their end: Node takes a connection for idle as soon as its reply is
 * written, and would throw away what a slow client has not taken yet.
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
