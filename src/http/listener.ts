import { once } from 'node:events';
import { type AddressInfo, type Server, createServer } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { settlesWithin } from '../core/deadline.ts';
import { StartError } from '../core/start-error.ts';

/**
 * Node takes one new connection of each listening socket in a turn of its event loop. Under load turns are long, and new connections,
 * health's among them, would wait behind each other for many seconds. So several sockets listen on the one port, and Linux
 * spreads what comes among them (socket(7), SO_REUSEPORT).
 */
const SOCKETS = process.platform === 'linux' ? 32 : 1;
/** How often idle connections are closed while the last requests are answered. */
const IDLE_CHECK_MS = 100;

/** What is wrong with HOST or PORT when a server can't listen, by the system's code. */
const LISTEN_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'PORT: another process listens on this port',
  EACCES: 'PORT: this port needs more rights',
  EADDRNOTAVAIL: 'HOST: this machine has no such address',
  ENOTFOUND: 'HOST: there is no such host',
};

/** Where a server takes its connections. */
export interface Listener {
  /**
   * Resolves to the URL.
   * @throws StartError that names PORT or HOST
   */
  listen(host: string, port: number): Promise<string>;
  /** Takes no more connections, and ends those whose requests are not answered within `graceMs` milliseconds. */
  close(graceMs: number): Promise<void>;
}

export function createListener(app: FastifyInstance): Listener {
  const { server } = app;
  const more: Server[] = [];

  /** Opens the other sockets, on the address of the first one. */
  async function openMore(): Promise<void> {
    // A TCP server that listens has an address of this kind.
    const { address, port } = server.address() as AddressInfo;
    server.maxConnections = Math.ceil(server.maxConnections / SOCKETS);
    while (more.length < SOCKETS - 1) {
      // As Node's HTTP server takes its own.
      const socket = createServer({ allowHalfOpen: true, noDelay: true }, (connection) =>
        server.emit('connection', connection),
      );
      socket.maxConnections = server.maxConnections;
      more.push(socket);
      socket.listen({ host: address, port, reusePort: true });
      await once(socket, 'listening');
    }
  }

  async function closeAll(): Promise<void> {
    const closed = more.map(async (socket) => {
      socket.close();
      await once(socket, 'close');
    });
    await Promise.all([app.close(), ...closed]);
  }

  return {
    async listen(host, port) {
      try {
        if (SOCKETS === 1) return await app.listen({ host, port });
        // Sockets that share a port do not notice others that do.
        if (port !== 0) await requireFree(host, port);
        // Fastify hands on what its type does not tell of.
        const shared = { host, port, reusePort: true };
        const url = await app.listen(shared);
        await openMore();
        return url;
      } catch (error) {
        const reason = error instanceof Error && 'code' in error ? LISTEN_ERRORS[String(error.code)] : undefined;
        if (reason === undefined) throw error;
        throw new StartError(`${reason}: ${host}:${port}`, { cause: error });
      }
    },

    async close(graceMs) {
      const closed = closeAll();
      // A connection that was answering when this began stays open when it is idle.
      const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
      try {
        if (await settlesWithin(closed, graceMs)) return;
        server.closeAllConnections();
        await closed;
      } finally {
        clearInterval(idle);
      }
    },
  };
}

/** Rejects with the system's error if somebody listens there. */
async function requireFree(host: string, port: number): Promise<void> {
  const probe = createServer().listen({ host, port });
  await once(probe, 'listening');
  probe.close();
  await once(probe, 'close');
}
