import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

/** Opens a connection, which ends with the test. */
export async function openSocket(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname.replace(/^\[(.+)\]$/, '$1'));
  // The server may close the connection at any time.
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Sends raw bytes, and resolves to the reply once the server closes the connection. */
export async function sendRaw(url: string, request: string | readonly string[]): Promise<string> {
  const socket = await openSocket(url);
  socket.write(typeof request === 'string' ? request : `${request.join('\r\n')}\r\n\r\n`);
  return text(socket);
}
