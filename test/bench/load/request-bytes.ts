import type { LoadRequest } from './load-spec.ts';

/**
 * As it is sent over a connection (RFC 9112, section 2.1).
 * @param fields more of its head
 */
export function toBytes(url: string, { method, path, body }: LoadRequest, fields: readonly string[] = []): Buffer {
  const head = [`${method} ${path} HTTP/1.1`, `Host: ${new URL(url).host}`, ...fields];
  if (body !== undefined) head.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`);
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body ?? ''}`);
}
