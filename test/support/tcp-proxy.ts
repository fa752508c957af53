import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

/** A proxy between a client and a server that can cut or delay their connections. */
export interface TcpProxy {
  /** The server's URL through the proxy. */
  readonly url: string;
  /** Cuts all connections; new ones are accepted. */
  cut(): void;
  /** Cuts all connections, and refuses new ones until the returned function is called. */
  block(): () => void;
  /** Keeps all connections open, new ones too, but forwards nothing until the returned function is called. */
  freeze(): () => void;
  /** Permanently forwards nothing on the existing connections, without closing them, like a firewall that lost their state. */
  silence(): void;
  /** Withholds the server's replies on the existing connections. */
  swallow(): void;
  /**
   * Lets this many further pieces of data through, in either direction, then cuts all connections for good.
   * @returns resolves when it has cut them
   */
  endAfter(pieces: number): Promise<void>;
  /** Delays all further data by this many milliseconds in each direction. */
  delay(ms: number): void;
  close(): Promise<void>;
}

export async function startTcpProxy(serverUrl: string): Promise<TcpProxy> {
  const target = new URL(serverUrl);
  const url = new URL(serverUrl);
  const sockets = new Set<Socket>();
  const servers = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // The other side is informed by the end of its own connection.
    socket.on('error', () => undefined);
  };
  let blocked = false;
  let piecesLeft = Number.POSITIVE_INFINITY;
  let onEnd: (() => void) | undefined;
  let latencyMs = 0;
  let thawed = Promise.resolve();
  const proxy = createServer((client) => {
    if (blocked) return void client.destroy();
    keep(client);
    void thawed.then(() => !client.destroyed && join(client));
  });
  const join = (client: Socket): void => {
    const server = connect(Number(target.port), target.hostname);
    keep(server);
    servers.add(server);
    server.once('close', () => servers.delete(server));
    passOn(client, server, { mayPass, latencyMs: () => latencyMs });
    passOn(server, client, { mayPass, latencyMs: () => latencyMs });
    client.once('close', () => server.destroy());
    server.once('close', () => client.destroy());
  };
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const mayPass = (): boolean => {
    piecesLeft -= 1;
    if (piecesLeft >= 0) return true;
    blocked = true;
    cut();
    onEnd?.();
    return false;
  };
  await new Promise<void>((resolve) => void proxy.listen(0, '127.0.0.1', resolve));
  // A TCP server that listens has an address of this kind.
  url.port = String((proxy.address() as AddressInfo).port);
  return {
    url: url.href,
    cut,
    block() {
      blocked = true;
      cut();
      return () => (blocked = false);
    },
    freeze() {
      const frozen = [...sockets];
      for (const socket of frozen) socket.pause();
      const { promise, resolve } = Promise.withResolvers<void>();
      thawed = promise;
      return () => {
        for (const socket of frozen) socket.resume();
        resolve();
      };
    },
    silence() {
      for (const socket of sockets) socket.pause();
    },
    swallow() {
      for (const server of servers) server.pause();
    },
    endAfter(pieces) {
      const { promise, resolve } = Promise.withResolvers<void>();
      piecesLeft = pieces;
      onEnd = resolve;
      return promise;
    },
    delay(ms) {
      latencyMs = ms;
    },
    async close() {
      cut();
      await new Promise((resolve) => void proxy.close(resolve));
    },
  };
}

interface Passing {
  /** Whether a piece of data may pass. */
  mayPass(): boolean;
  latencyMs(): number;
}

/** Preserves the order of data, even if the latency decreases or timers are rounded. */
function passOn(from: Socket, to: Socket, { mayPass, latencyMs }: Passing): void {
  const waiting: (() => void)[] = [];
  let lastAt = 0;
  const passNext = (): void => waiting.shift()?.();
  const later = (action: () => void): void => {
    waiting.push(action);
    const now = performance.now();
    lastAt = Math.max(lastAt, now + latencyMs());
    if (lastAt > now) setTimeout(passNext, lastAt - now);
    else passNext();
  };
  from.on('data', (chunk: Buffer) => {
    if (mayPass()) later(() => to.writable && to.write(chunk));
  });
  from.once('end', () => later(() => to.end()));
}
