import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { onTestFinished } from 'vitest';

/** Stands in front of several servers, as a load balancer does that knows of TCP alone. */
export interface RoundRobin {
  readonly url: string;
  /** Gives new connections to these servers, one after the other; those that there are stay. */
  use(...servers: readonly string[]): void;
}

/** A connection that one server refuses goes to the next. It ends with the test. */
export async function startRoundRobin(...first: readonly string[]): Promise<RoundRobin> {
  let servers = first;
  let turn = 0;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket, other: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      sockets.delete(socket);
      other.destroySoon();
    });
  };

  function dial(client: Socket, tries: number): void {
    turn += 1;
    const target = servers[turn % servers.length];
    if (target === undefined || tries === 0) return void client.destroy();
    const server = connect(Number(new URL(target).port), '127.0.0.1');
    const again = (): void => dial(client, tries - 1);
    server.once('error', again);
    server.once('connect', () => {
      server.off('error', again);
      keep(client, server);
      keep(server, client);
      client.pipe(server).pipe(client);
    });
  }

  const proxy = createServer((client) => {
    client.on('error', () => undefined);
    dial(client, servers.length);
  });
  await new Promise<void>((resolve) => void proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    const closed = new Promise((resolve) => void proxy.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  });
  return {
    // A TCP server that listens has an address of this kind.
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    use: (...next) => void (servers = next),
  };
}
