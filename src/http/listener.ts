import { lookup } from 'node:dns/promises';
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
const LISTEN_ERRORS: ReadonlyMap<unknown, string> = new Map([
  ['EADDRINUSE', 'PORT: another process listens on this port'],
  ['EACCES', 'PORT: no permission to listen on this port'],
  ['EADDRNOTAVAIL', 'HOST: this machine has no such address'],
  ['ENOTFOUND', 'HOST: no such host'],
]);

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

export interface ListenerOptions {
  /**
   * The setting of the port, for errors.
   * @default 'PORT'
   */
  readonly setting?: string;
  /**
   * How many sockets listen.
   * @default 32 on Linux, 1 elsewhere
   */
  readonly sockets?: number;
}

export function createListener(
  app: FastifyInstance,
  { setting = 'PORT', sockets = SOCKETS }: ListenerOptions = {},
): Listener {
  const { server } = app;
  const more: Server[] = [];

  /** Opens more sockets on the port, whose connections the server takes over. */
  async function openMore(host: string, port: number, count: number): Promise<void> {
    for (let opened = 0; opened < count; opened += 1) {
      // The options that Node's HTTP server uses itself.
      const socket = createServer({ allowHalfOpen: true, noDelay: true }, (connection) =>
        server.emit('connection', connection),
      );
      socket.listen({ host, port, reusePort: sockets > 1 });
      await once(socket, 'listening');
      socket.on('error', keepListening);
      more.push(socket);
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
        // A name such as localhost may have an IPv4 and an IPv6 address. Fastify would create a second HTTP server for the other.
        const [first = host, ...others] = (await lookup(host, { all: true })).map(({ address }) => address);
        // With SO_REUSEPORT another process on the port would go unnoticed.
        if (port !== 0) await requireFree(first, port);
        // Fastify passes on options that its type does not declare.
        const shared = { host: first, port, reusePort: sockets > 1 };
        const url = await app.listen(shared);
        server.on('error', keepListening);
        // The address of a listening TCP server is an object.
        const bound = (server.address() as AddressInfo).port;
        await openMore(first, bound, sockets - 1);
        // A machine may have no IPv6 although its localhost does.
        for (const other of others) await openMore(other, bound, sockets).catch(() => undefined);
        return url;
      } catch (error) {
        const reason = error instanceof Error && 'code' in error ? LISTEN_ERRORS.get(error.code) : undefined;
        if (reason === undefined) throw error;
        throw new StartError(`${reason.replace(/^PORT/, setting)}: ${host}:${port}`, { cause: error });
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

/** A connection that the operating system could not hand over, for lack of open files, does not end the process. */
function keepListening(): void {}

/** Rejects with the system's error if another process listens on this port. */
async function requireFree(host: string, port: number): Promise<void> {
  const probe = createServer().listen({ host, port });
  await once(probe, 'listening');
  probe.close();
  await once(probe, 'close');
}
