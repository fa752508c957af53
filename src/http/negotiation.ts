/** The media type and the coding of replies. */
import compress from '@fastify/compress';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import Negotiator from 'negotiator';
import { ServiceError } from '../core/errors.ts';

/** Bytes from which a reply is compressed. */
const THRESHOLD = 1024;

/**
 * Refuses a request that accepts none of these media types (RFC 9110, section 12.5.1).
 * @throws ServiceError `not-acceptable`
 */
export function requireAcceptable(request: FastifyRequest, available: readonly string[]): void {
  const { accept } = request.headers;
  if (accept === undefined || accept === '*/*') return;
  if (new Negotiator(request.raw).mediaTypes([...available]).length > 0) return;
  throw new ServiceError('not-acceptable', `Available as ${available.join(' or ')}.`);
}

/**
 * Compresses replies above 1 KiB for clients that accept it (RFC 9110, section 12.5.3), but for those of endpoints that stream.
 * Requests are never decompressed: that would get around the limit of their size.
 */
export async function addCompression(app: FastifyInstance): Promise<void> {
  await app.register(compress, {
    globalDecompression: false,
    threshold: THRESHOLD,
    encodings: ['br', 'gzip'],
  });
}
