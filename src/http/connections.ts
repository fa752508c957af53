import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** How often it is looked for slow readers while one is given its time. */
const CHECKS = 4;

interface Connection {
  /** Requests whose replies have not all been taken over by the system. */
  unanswered: number;
  /** Bytes that had come when the last reply was sent: more are a request that is on its way. */
  bytesRead: number;
  /** Bytes that the system had taken at the last check. */
  bytesTaken: number;
  /** When they became so many. */
  takenAt: number;
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
    connections.set(socket, { unanswered: 0, bytesRead: 0, bytesTaken: 0, takenAt: performance.now() });
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
    const now = performance.now();
    for (const [socket, connection] of connections) {
      const taken = socket.bytesWritten - socket.writableLength;
      if (socket.writableLength === 0 || taken !== connection.bytesTaken) {
        connection.bytesTaken = taken;
        connection.takenAt = now;
      } else if (now - connection.takenAt > slowReaderMs) socket.destroy();
    }
  };
  let timer: NodeJS.Timeout | undefined;
  server.once('listening', () => (timer = setInterval(dropSlowReaders, slowReaderMs / CHECKS)));
  server.once('close', () => clearInterval(timer));
}
