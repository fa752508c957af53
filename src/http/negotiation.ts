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
