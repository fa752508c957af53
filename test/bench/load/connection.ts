import { type Socket, connect } from 'node:net';
import type { Expected } from './load-spec.ts';

const HEAD_END = '\r\n\r\n';
const LAST_CHUNK = '0\r\n\r\n';

/** A connection that carries one request at a time. Far cheaper than node:http's client, which would be what is measured. */
export interface LoadConnection {
  /** Resolves to the whole reply. @throws Error if it is not what is expected */
  send(bytes: Buffer | string, expected: Expected): Promise<string>;
  close(): void;
}

export async function openConnection(url: string): Promise<LoadConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  // One character is one byte.
  socket.setEncoding('latin1');
  let reply = '';
  let expected: Expected = { statuses: [], contains: '' };
  let waiting: PromiseWithResolvers<string> | undefined;
  const fail = (error: Error): void => waiting?.reject(error);
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the connection was closed')));
  socket.on('data', (data: string) => {
    reply += data;
    if (!isWhole(reply)) return;
    const status = Number(reply.slice(9, 12));
    if (expected.statuses.includes(status) && reply.includes(expected.contains)) waiting?.resolve(reply);
    else fail(new Error(`bad reply: ${reply}`));
  });
  await connected(socket);
  return {
    send(bytes, wanted) {
      reply = '';
      expected = wanted;
      waiting = Promise.withResolvers<string>();
      socket.write(bytes);
      return waiting.promise;
    },
    close: () => socket.destroy(),
  };
}

function connected(socket: Socket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('connect', resolve);
  socket.once('error', reject);
  return promise;
}

/** Of a reply with a length, or in chunks; there is none behind it. */
function isWhole(reply: string): boolean {
  const end = reply.indexOf(HEAD_END);
  if (end === -1) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(reply.slice(0, end + 2))?.[1];
  return length === undefined ? reply.endsWith(LAST_CHUNK) : reply.length >= end + HEAD_END.length + Number(length);
}
