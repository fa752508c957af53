import { type Socket, connect } from 'node:net';
import type { LoadRequest } from './load-spec.ts';

const HEAD_END = '\r\n\r\n';
const LAST_CHUNK = '0\r\n\r\n';

/** A connection that carries one request at a time. Far cheaper than node:http's client, which would be what is measured. */
export interface LoadConnection {
  /** Resolves when the whole reply is there. @throws Error if it is not what it should be */
  send(): Promise<void>;
  close(): void;
}

export async function openConnection(url: string, request: LoadRequest): Promise<LoadConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  // One character is one byte.
  socket.setEncoding('latin1');
  const bytes = toBytes(url, request);
  let reply = '';
  let waiting: PromiseWithResolvers<void> | undefined;
  const fail = (error: Error): void => waiting?.reject(error);
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the connection was closed')));
  socket.on('data', (data: string) => {
    reply += data;
    if (!isWhole(reply)) return;
    const status = Number(reply.slice(9, 12));
    if (request.statuses.includes(status) && reply.includes(request.contains)) waiting?.resolve();
    else fail(new Error(`bad reply: ${reply}`));
  });
  await connected(socket);
  return {
    send() {
      reply = '';
      waiting = Promise.withResolvers<void>();
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

function toBytes(url: string, { method, path, body }: LoadRequest): Buffer {
  const head = [`${method} ${path} HTTP/1.1`, `Host: ${new URL(url).host}`];
  if (body !== undefined) head.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`);
  return Buffer.from(`${head.join('\r\n')}${HEAD_END}${body ?? ''}`);
}

/** Of a reply with a length, or in chunks; there is none behind it. */
function isWhole(reply: string): boolean {
  const end = reply.indexOf(HEAD_END);
  if (end === -1) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(reply.slice(0, end + 2))?.[1];
  return length === undefined ? reply.endsWith(LAST_CHUNK) : reply.length >= end + HEAD_END.length + Number(length);
}
