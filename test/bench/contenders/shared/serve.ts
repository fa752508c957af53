import type { AddressInfo, Server } from 'node:net';

/** @throws Error when the bench has not set it */
export function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

export const HOST = '127.0.0.1';

/** Logs that the process is ready, as Accepted does. */
export function sayReady(url?: string): void {
  process.stdout.write(`${JSON.stringify({ msg: 'ready', url })}\n`);
}

/** Listens on a free port. */
export function serve(server: Server): void {
  server.listen(0, HOST, () => {
    // A TCP server that listens has an address of this kind.
    sayReady(`http://${HOST}:${(server.address() as AddressInfo).port}`);
  });
}
