/** The media type and the coding of replies. */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import compress from '@fastify/compress';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import Negotiator from 'negotiator';
import { ServiceError } from '../core/errors.ts';
import { isTagKnown } from './preconditions.ts';

/** Bytes from which a reply is compressed. */
const THRESHOLD = 1024;

/** Parameters of a media range, but for its weight. A quoted value that is not closed takes the rest, so that no part is scanned twice. */
const PARAMETERS = /;\s*(?!q\s*=)[^;,=\s"]+\s*(?:=\s*(?:"(?:[^"\\]|\\.)*(?:"|\\?$)|[^;,"]*))?/gi;

/**
 * The available media types that a request accepts, the preferred one first (RFC 9110, section 12.5.1). Parameters of the ranges, such
 * as a charset, do not matter, as none of our types has any.
 */
export function acceptedTypes(accept: string | undefined, available: readonly string[]): string[] {
  if (accept === undefined || accept === '*/*') return [...available];
  return new Negotiator({ headers: { accept: accept.replaceAll(PARAMETERS, '') } }).mediaTypes([...available]);
}

/**
 * Refuses a request that accepts none of these media types.
 * @throws ServiceError `not-acceptable`
 */
export function requireAcceptable({ headers }: FastifyRequest, available: readonly string[]): void {
  if (acceptedTypes(headers.accept, available).length === 0) throw notAcceptable(available);
}

export function notAcceptable(available: readonly string[]): ServiceError {
  return new ServiceError('not-acceptable', `Available as ${available.join(' or ')}.`);
}

/** Says that the reply depends on these request headers (RFC 9110, section 12.5.5). */
export function addVary(reply: FastifyReply, names: string): void {
  const vary = reply.getHeader('Vary');
  reply.header('Vary', vary === undefined ? names : `${String(vary)}, ${names}`);
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

/** Sends a body that does not change. */
export type Constant = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/** Above this quality, compressing takes many times as long for a few percent. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };
const brotli = promisify(brotliCompress);

const CODERS: ReadonlyMap<string, (body: Buffer) => Promise<Buffer>> = new Map([
  ['br', (body: Buffer) => brotli(body, BROTLI)],
  ['gzip', promisify<Buffer, Buffer>(gzip)],
]);

interface Representation {
  readonly body: Buffer;
  readonly tag: string;
}

/**
 * A body that all replies share: it is read at the first request, compressed once for each coding, and has an `ETag`. Anyone may
 * request a page, as often as they like and without reading the replies, so none of them has a copy of its own.
 */
export function createConstant(read: () => string | Buffer | Promise<string | Buffer>): Constant {
  const made = new Map<string, Promise<Representation>>();

  async function make(coding: string): Promise<Representation> {
    const coder = CODERS.get(coding);
    const body = coder === undefined ? Buffer.from(await read()) : await coder((await get('identity')).body);
    return { body, tag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
  }

  function get(coding: string): Promise<Representation> {
    const known = made.get(coding);
    if (known !== undefined) return known;
    const promise = make(coding);
    made.set(coding, promise);
    // It may have failed for lack of open files or of memory.
    promise.catch(() => made.delete(coding));
    return promise;
  }

  return async (request, reply) => {
    const plain = await get('identity');
    const isLarge = plain.body.length >= THRESHOLD;
    const coding = isLarge
      ? (new Negotiator(request.raw).encoding([...CODERS.keys(), 'identity']) ?? 'identity')
      : 'identity';
    const { body, tag } = coding === 'identity' ? plain : await get(coding);
    if (isLarge) addVary(reply, 'Accept-Encoding');
    reply.header('ETag', tag);
    if (isTagKnown(request, tag)) return reply.removeHeader('Content-Type').status(304).send();
    if (coding !== 'identity') reply.header('Content-Encoding', coding);
    return reply.send(body);
  };
}

/** Constants by their text, of which few are in use at a time. */
const constantTexts = new LRUCache<string, Constant>({
  max: 100,
  maxSize: 4_000_000,
  sizeCalculation: (_, text) => text.length + 1,
});

/** Like `createConstant`, for text that depends on few things, such as the URL of the server. */
export function constantOf(text: string): Constant {
  const constant = constantTexts.get(text) ?? createConstant(() => text);
  constantTexts.set(text, constant);
  return constant;
}
