/** Files at signed URLs of this server: where they are in a folder, rather than in a bucket with URLs of its own. */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { DeadlineError, withDeadline } from '../core/deadline.ts';
import { ServiceError } from '../core/errors.ts';
import { dispositionOf } from '../core/files/file-info.ts';
import type { ByteRange } from '../core/files/file-store.ts';
import { type Files, type OpenedFile, UPLOAD_SECONDS } from '../core/files/files.ts';
import { whenGone } from './connections.ts';
import { addEndpoint } from './endpoint.ts';
import { allowLongRequest } from './limits.ts';
import { includesTag, isTagKnown } from './preconditions.ts';

/** Milliseconds without a byte after which an upload is given up. */
const SILENCE_MS = 30_000;

const fileParams = z.object({ job: z.string(), file: z.string() });
const uploadParams = z.object({ owner: z.string(), upload: z.string() });

export interface FileRoutesOptions {
  readonly files: Files;
  /** The token in the URL, which no log sees. */
  accessTokenOf(request: FastifyRequest): string | undefined;
  /** @default 30_000 */
  readonly silenceMs?: number;
}

/** Adds `GET /files/:job/:file` and `PUT /uploads/:owner/:upload`. */
export async function addFileRoutes(
  app: FastifyInstance,
  { files, accessTokenOf, silenceMs = SILENCE_MS }: FileRoutesOptions,
): Promise<void> {
  addEndpoint(
    app,
    '/files/:job/:file',
    {
      async GET(request, reply) {
        const { job, file } = fileParams.parse(request.params);
        return sendFile(request, reply, await files.openFile(job, file, accessTokenOf(request)));
      },
    },
    { streams: true },
  );

  await app.register(async (uploads) => {
    uploads.removeAllContentTypeParsers();
    // The bytes are read by the handler, as fast as they are stored.
    uploads.addContentTypeParser('*', (_request, _payload, done) => done(null));
    addEndpoint(uploads, '/uploads/:owner/:upload', {
      async PUT(request, reply) {
        const { owner, upload: id } = uploadParams.parse(request.params);
        const { 'content-length': length, expect } = request.headers;
        const endLong = allowLongRequest(request.socket);
        try {
          await files.receiveUpload({
            owner,
            id,
            token: accessTokenOf(request),
            length: length === undefined ? undefined : Number(length),
            body() {
              // RFC 9110, section 10.1.1: now that the upload is known to be wanted.
              if (expect?.toLowerCase() === '100-continue') reply.raw.writeContinue();
              return received(request.raw, silenceMs);
            },
            signal: AbortSignal.any([whenGone(reply.raw), AbortSignal.timeout(UPLOAD_SECONDS * 1000)]),
          });
        } catch (error) {
          // The rest may never come (RFC 9110, section 15.5.9).
          if (error instanceof ServiceError && error.problem === 'request-timeout') reply.header('Connection', 'close');
          throw error;
        } finally {
          endLong();
        }
        return reply.status(204).send();
      },
    });
  });
}

/** The bytes of a request. @throws ServiceError `request-timeout`, when none has arrived for a while; `malformed-request`, for one that breaks off */
async function* received(request: IncomingMessage, silenceMs: number): AsyncGenerator<Uint8Array, void, void> {
  // A reply can still be sent when its reader stops early.
  const chunks = request.iterator({ destroyOnReturn: false });
  try {
    for (;;) {
      const chunk: IteratorResult<Uint8Array, unknown> = await withDeadline(chunks.next(), silenceMs);
      if (chunk.done === true) return;
      yield chunk.value;
    }
  } catch (cause) {
    if (cause instanceof DeadlineError)
      throw new ServiceError('request-timeout', 'The upload did not arrive in time.', { cause });
    throw new ServiceError('malformed-request', 'The upload is incomplete.', { cause });
  }
}

/**
 * Sends a file, or the part of it that is asked for (RFC 9110, section 14). What is in it was made by others, so that no page of this
 * origin may run it.
 */
async function sendFile(request: FastifyRequest, reply: FastifyReply, file: OpenedFile): Promise<FastifyReply> {
  const { contentType, size, sha256 } = file;
  const tag = sha256 === null ? undefined : `"${sha256}"`;
  const { 'if-match': wanted, 'if-range': condition, range: asked } = request.headers;
  reply
    .header('Accept-Ranges', 'bytes')
    .header('Cache-Control', 'private, no-store')
    .header('Content-Security-Policy', "sandbox; default-src 'none'; frame-ancestors 'none'")
    // Whoever has the URL may read it, also a page of another origin.
    .header('Cross-Origin-Resource-Policy', 'cross-origin');
  if (tag !== undefined) {
    reply.header('ETag', tag);
    if (wanted !== undefined && !includesTag(wanted, tag))
      throw new ServiceError('precondition-failed', 'The file has another ETag.');
    if (isTagKnown(request, tag)) return reply.status(304).send();
  }
  const isSame = condition === undefined || (tag !== undefined && condition === tag);
  const range = request.method === 'GET' && isSame ? readRange(asked, size) : undefined;
  if (range === 'unsatisfiable') {
    reply.header('Content-Range', `bytes */${size}`);
    throw new ServiceError('range-not-satisfiable', `The file has ${size} bytes.`);
  }
  reply
    .header('Content-Type', contentType)
    .header('Content-Disposition', dispositionOf(file))
    .header('Content-Length', range === undefined ? size : range.end - range.start + 1);
  if (range !== undefined) reply.status(206).header('Content-Range', `bytes ${range.start}-${range.end}/${size}`);
  if (request.method === 'HEAD') return reply.send(Readable.from([]));
  // Closed with the connection, which ends when its client reads nothing for a while.
  const bytes = await file.read(range, whenGone(reply.raw));
  return reply.send(bytes instanceof Readable ? bytes : Readable.from(bytes, { objectMode: false }));
}

const ONE_RANGE = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i;

/** One range; undefined for none, and for what a server may ignore: several, other units, and what is malformed. */
function readRange(asked: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = ONE_RANGE.exec(asked ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const start = Math.max(0, size - Number(last));
    return start < size ? { start, end: size - 1 } : 'unsatisfiable';
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return undefined;
  return start < size ? { start, end } : 'unsatisfiable';
}
