import type { LoadRequest } from './load-spec.ts';

/** As it is sent over a connection (RFC 9112, section 2.1). */
export function toBytes(url: string, { method, path, body }: LoadRequest): Buffer {
  const head = [`${method} ${path} HTTP/1.1`, `Host: ${new URL(url).host}`];
  if (body !== undefined) head.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`);
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body ?? ''}`);
}
