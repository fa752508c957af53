import type { Expected, LoadRequest } from './load-spec.ts';

/**
 * As it is sent over a connection (RFC 9112, section 2.1).
 * @param host with its port
 * @param fields more of its head
 */
export function toBytes(
  host: string,
  { method, path, body }: Omit<LoadRequest, keyof Expected>,
  fields: readonly string[] = [],
): Buffer {
  const head = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...fields];
  if (body !== undefined) head.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`);
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body ?? ''}`);
}
