import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ServiceError } from '../core/errors.ts';
import { parseJson } from '../core/parse-json.ts';

/** Bytes that are no UTF-8 are refused, and not changed (RFC 8259, section 8.1). */
const decoder = new TextDecoder('utf-8', { fatal: true });

const CHARSET = /;\s*charset\s*=\s*"?([^";\s]*)/i;

/** Makes JSON the one media type of bodies, on both faces. */
export function addJsonBody(app: FastifyInstance): void {
  // Fastify would take plain text too.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    // Many clients send a content type with nothing to what takes no body.
    if (body.length === 0) return null;
    requireUtf8(request);
    return parseJson(decode(body));
  });
  app.addHook('preParsing', async (request, reply) => {
    const { 'content-encoding': coding = 'identity' } = request.headers;
    if (coding.toLowerCase() === 'identity' || !hasBody(request)) return;
    // RFC 9110, section 12.5.3.
    reply.header('Accept-Encoding', 'identity');
    throw new ServiceError('unsupported-media-type', 'The body is compressed; send it as it is.');
  });
}

/** RFC 9112, section 6.3. */
function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** JSON has no other charset (RFC 8259, section 8.1). */
function requireUtf8({ headers }: FastifyRequest): void {
  const charset = CHARSET.exec(headers['content-type'] ?? '')?.[1];
  if (charset === undefined || charset.toLowerCase() === 'utf-8') return;
  throw new ServiceError('unsupported-media-type', 'JSON is sent in UTF-8.');
}

function decode(body: Buffer): string {
  try {
    return decoder.decode(body);
  } catch (cause) {
    throw new ServiceError('malformed-request', 'The body is not in UTF-8.', { cause });
  }
}
