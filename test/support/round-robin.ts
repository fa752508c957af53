import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { onTestFinished } from 'vitest';

/** A TCP load balancer for several servers. */
export interface RoundRobin {
  readonly url: string;
  /** Distributes new connections among these servers in turn; existing connections stay. */
  use(...servers: readonly string[]): void;
}

/** Starts a balancer, which ends with the test. If a server refuses a connection, the next one gets it. */
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
    // A listening TCP server always has an AddressInfo.
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    use: (...next) => void (servers = next),
  };
}
