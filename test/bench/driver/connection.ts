import { connect } from 'node:net';

/** No reply may take longer, and no connection either. */
const TIMEOUT_MS = 30_000;
const READ_BYTES = 16 * 1024;
const HEAD_END = '\r\n\r\n';
const LAST_CHUNK = '0\r\n\r\n';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  /** JSON. */
  readonly body?: string;
  /** Further header lines. */
  readonly headers?: readonly string[];
}

/** A reply with another status, or without this text, is an error. GraphQL answers many failures with 200. */
export interface Expectation {
  readonly statuses: readonly number[];
  readonly contains: string;
}

export interface LoadRequest extends HttpRequest, Expectation {}

/**
 * A keep-alive connection with at most one request in flight. It parses no more of HTTP than a status, a length and chunks: a full
 * client takes more CPU than the servers under test.
 */
export interface Connection {
  send(bytes: Buffer, expected: Expectation, onReply: (reply: string) => void, onError: (error: Error) => void): void;
  /** The same as a promise. */
  exchange(bytes: Buffer, expected: Expectation): Promise<string>;
  close(): void;
}

/** Serializes a request (RFC 9112). @param host with its port */
export function toBytes(host: string, { method, path, body, headers = [] }: HttpRequest): Buffer {
  const head = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...headers];
  if (body !== undefined) head.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`);
  return Buffer.from(`${head.join('\r\n')}${HEAD_END}${body ?? ''}`);
}

export async function openConnection(url: string): Promise<Connection> {
  const { hostname, port } = new URL(url);
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  const opened = Promise.withResolvers<void>();
  let reply = '';
  let expected: Expectation = { statuses: [], contains: '' };
  let onReply: ((reply: string) => void) | undefined;
  let onError: (error: Error) => void = opened.reject;

  const read = (length: number): boolean => {
    // In latin1 one character is one byte, as in Content-Length.
    reply += buffer.toString('latin1', 0, length);
    if (!isComplete(reply)) return true;
    const received = reply;
    reply = '';
    const status = Number(received.slice(9, 12));
    if (!expected.statuses.includes(status) || !received.includes(expected.contains))
      socket.destroy(new Error(`unexpected reply: ${received}`));
    else onReply?.(received);
    return true;
  };
  const socket = connect({ host: hostname, port: Number(port), noDelay: true, onread: { buffer, callback: read } });
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`no reply within ${TIMEOUT_MS} ms`)));
  socket.on('connect', opened.resolve);
  socket.on('error', (error) => onError(error));
  socket.on('close', () => onError(new Error('the server closed the connection')));
  await opened.promise;

  const send: Connection['send'] = (bytes, wanted, whenReplied, whenFailed) => {
    expected = wanted;
    onReply = whenReplied;
    onError = whenFailed;
    socket.write(bytes);
  };
  return {
    send,
    exchange: (bytes, wanted) =>
      new Promise((resolve, reject) => {
        send(bytes, wanted, resolve, reject);
      }),
    close: () => void socket.destroy(),
  };
}

/** The reply has a length or comes in chunks, and nothing follows it. */
function isComplete(reply: string): boolean {
  const end = reply.indexOf(HEAD_END);
  if (end === -1) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(reply)?.[1];
  return length === undefined ? reply.endsWith(LAST_CHUNK) : reply.length >= end + HEAD_END.length + Number(length);
}
