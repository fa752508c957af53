import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ServiceError } from '../core/errors.ts';
import { parseJson } from '../core/input/parse-json.ts';

/** A parser may ignore it (RFC 8259, section 8.1). */
const BYTE_ORDER_MARK = '\uFEFF';

/** A `Content-Type` of JSON, with any parameters. */
export const JSON_TYPE = /^application\/json\s*(;|$)/i;
const CHARSET = /;\s*charset\s*=\s*"?([^";]*)/i;

/** The `detail` of a refusal. */
export const JSON_ONLY = 'Send JSON, as application/json.';

/** Makes JSON the only media type of request bodies, on both APIs. */
export function addJsonBody(app: FastifyInstance): void {
  // Fastify accepts plain text by default.
  app.removeAllContentTypeParsers();
  const options = { parseAs: 'buffer' } as const;
  app.addContentTypeParser('application/json', options, (request: FastifyRequest, body: Buffer, done) => {
    // Many clients send a content type with an empty body to operations without one.
    if (body.length === 0) return done(null, null);
    requireUtf8(request);
    done(null, parseJson(decode(body)));
  });
  // Clients send any content type with an empty body; the type of what is not there does not matter. Fastify refuses a malformed one
  // before the body is read, so only JSON's is left to it.
  app.addHook('onRequest', (request, _reply, done) => {
    const { method, headers } = request;
    // Fastify requires one of QUERY, before the reply can say that it is not allowed.
    const { 'content-type': type } = headers;
    if (type !== undefined && method !== 'QUERY' && !(hasBody(request) && JSON_TYPE.test(type)))
      delete headers['content-type'];
    done();
  });
  // Only the end shows that a body in chunks is empty.
  app.addContentTypeParser('*', (_request, payload, done) => {
    let isEmpty = true;
    payload.on('data', () => {
      if (isEmpty) done(new ServiceError('unsupported-media-type', JSON_ONLY));
      isEmpty = false;
    });
    payload.on('end', () => isEmpty && done(null, null));
    payload.on('error', (error: Error) => isEmpty && done(error));
  });
  app.addHook('preParsing', (request, reply, payload, done) => {
    const { 'content-encoding': coding } = request.headers;
    if (coding === undefined || coding.toLowerCase() === 'identity' || !hasBody(request)) return done(null, payload);
    // RFC 9110, section 12.5.3.
    reply.header('Accept-Encoding', 'identity');
    throw new ServiceError('unsupported-media-type', 'Compressed request bodies are not supported.');
  });
}

/** RFC 9112, section 6.3. */
function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** JSON has no other charset (RFC 8259, section 8.1). */
function requireUtf8({ headers }: FastifyRequest): void {
  const label = CHARSET.exec(headers['content-type'] ?? '')?.[1];
  if (label === undefined || isUtf8Label(label)) return;
  throw new ServiceError('unsupported-media-type', 'JSON must be encoded in UTF-8.');
}

/** Whether it is one of the labels of UTF-8, such as `utf8` (Encoding, section 4.2). */
function isUtf8Label(label: string): boolean {
  try {
    return new TextDecoder(label).encoding === 'utf-8';
  } catch {
    return false;
  }
}

/** Invalid UTF-8 is refused rather than replaced (RFC 8259, section 8.1). */
function decode(body: Buffer): string {
  if (!isUtf8(body)) throw new ServiceError('malformed-request', 'The body is not valid UTF-8.');
  const text = body.toString();
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
}
