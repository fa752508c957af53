import { once } from 'node:events';
import { type AddressInfo, type Server, createServer } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { settlesWithin } from '../core/deadline.ts';
import { StartError } from '../core/start-error.ts';

/**
 * Node accepts one new connection of each listening socket per turn of its event loop. Under load turns are long, and new
 * connections, those of health checks among them, would queue for many seconds. So several sockets listen on the same port, and
 * Linux distributes connections among them (socket(7), SO_REUSEPORT).
 */
const SOCKETS = process.platform === 'linux' ? 32 : 1;
/** How often idle connections are closed while the last requests are answered. */
const IDLE_CHECK_MS = 100;

/** Why a server cannot listen, by the code of the system's error. */
const LISTEN_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'PORT: another process listens on this port',
  EACCES: 'PORT: no permission to listen on this port',
  EADDRNOTAVAIL: 'HOST: this machine has no such address',
  ENOTFOUND: 'HOST: no such host',
};

/** Accepts the connections of a server. */
export interface Listener {
  /**
   * Resolves to the URL.
   * @throws StartError that names PORT or HOST
   */
  listen(host: string, port: number): Promise<string>;
  /** Accepts no more connections, and closes those whose requests are not answered within `graceMs` milliseconds. */
  close(graceMs: number): Promise<void>;
}

export function createListener(app: FastifyInstance): Listener {
  const { server } = app;
  const more: Server[] = [];

  /** Opens the other sockets, on the address of the first. */
  async function openMore(): Promise<void> {
    // The address of a listening TCP server is an object.
    const { address, port } = server.address() as AddressInfo;
    server.maxConnections = Math.ceil(server.maxConnections / SOCKETS);
    while (more.length < SOCKETS - 1) {
      // The options that Node's HTTP server uses itself.
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
        // With SO_REUSEPORT another process on the port would go unnoticed.
        if (port !== 0) await requireFree(host, port);
        // Fastify passes on options that its type does not declare.
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
      // A connection that was busy when this began stays open when it becomes idle.
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

/** Rejects with the system's error if another process listens on this port. */
async function requireFree(host: string, port: number): Promise<void> {
  const probe = createServer().listen({ host, port });
  await once(probe, 'listening');
  probe.close();
  await once(probe, 'close');
}
