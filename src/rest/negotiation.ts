import type { FastifyRequest } from 'fastify';
import Negotiator from 'negotiator';
import { ServiceError } from '../core/errors.ts';

/**
 * Refuses a client that can read none of these media types (RFC 9110, section 12.5.1).
 * @throws ServiceError `not-acceptable`
 */
export function requireAcceptable(request: FastifyRequest, available: readonly string[]): void {
  const { accept } = request.headers;
  if (accept === undefined || accept === '*/*') return;
  if (new Negotiator(request.raw).mediaTypes([...available]).length > 0) return;
  throw new ServiceError('not-acceptable', `The reply would be ${available.join(' or ')}.`);
}

const CHARSET = /;\s*charset\s*=\s*"?([^";\s]*)/i;

/**
 * Refuses a body in another charset than JSON's own (RFC 8259, section 8.1).
 * @throws ServiceError `unsupported-media-type`
 */
export function requireUtf8({ headers }: FastifyRequest): void {
  const charset = CHARSET.exec(headers['content-type'] ?? '')?.[1];
  if (charset === undefined || charset.toLowerCase() === 'utf-8') return;
  throw new ServiceError('unsupported-media-type', 'JSON is sent in UTF-8.');
}
