import type { FastifyBodyParser, FastifyInstance } from 'fastify';
import { ServiceError } from '../core/errors.ts';

/** Bytes that are no UTF-8 are refused, and not changed (RFC 8259, section 8.1). */
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Parses bodies as Fastify does, but for none at all, which many clients send with a content type to what takes no body. */
export function createJsonParser(app: FastifyInstance): FastifyBodyParser<Buffer> {
  const parse = app.getDefaultJsonParser('error', 'error');
  return (request, body, done) => {
    if (body.length === 0) return done(null);
    try {
      return parse(request, decoder.decode(body), done);
    } catch {
      return done(new ServiceError('malformed-request', 'The body is not in UTF-8.'));
    }
  };
}
