import type { Server, ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyHttpOptions, FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ServiceError } from '../core/errors.ts';
import { linger } from './connections.ts';
import { type RawProblem, toRawReply } from './problem.ts';

/** 1.5 MiB: enough for the largest import of ordinary rows. */
const BODY_LIMIT = 1.5 * 1024 * 1024;
/** Bytes of the request line and all header fields. */
const HEAD_LIMIT = 16 * 1024;
const MAX_HEADER_FIELDS = 100;
/** Time for the header and for the whole request; a client that sends more slowly only occupies a connection. */
const HEAD_TIMEOUT_MS = 20_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** How often connections are checked against these times. */
const CHECK_MS = 2000;
/** For an idle connection; longer than proxies keep theirs, so that the proxy is the side that closes. */
const KEEP_ALIVE_MS = 75_000;
/** 10,000 event streams and as many other connections. Many machines limit open files to fewer. */
const MAX_CONNECTIONS = 20_000;
/** Open files that connections leave for the stores, the sockets that listen, and jobs. */
const RESERVED_FILES = 200;
/** Longer than any URL, so that an overlong id gets the same 404 as any unknown id. */
const MAX_PARAM_LENGTH = 100_000;

/** Limits of Node's HTTP server. */
export const SERVER_LIMITS = {
  maxHeaderSize: HEAD_LIMIT,
  headersTimeout: HEAD_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  keepAliveTimeout: KEEP_ALIVE_MS,
  connectionsCheckingInterval: CHECK_MS,
  // A request without Host gets a problem instead of Node's empty reply.
  requireHostHeader: false,
} satisfies ServerOptions;

/** Limits of Fastify. */
export const LIMITS = {
  bodyLimit: BODY_LIMIT,
  clientErrorHandler: replyToClientError,
  routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_PARAM_LENGTH },
} satisfies FastifyHttpOptions<Server>;

/** Limits that Fastify has no option for. */
export function addLimits(app: FastifyInstance): void {
  const { server } = app;
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.raw.rawHeaders.length / 2 > MAX_HEADER_FIELDS)
      throw new ServiceError('header-too-large', `The request has more than ${MAX_HEADER_FIELDS} header fields.`);
    done();
  });
  // Node emits no request for CONNECT (RFC 9110, section 9.3.6).
  server.on('connect', (_request, socket: Socket) => {
    socket.write(toRawReply('not-implemented'));
    linger(socket);
  });
  // A client that waits before it sends its body need not send one that is refused (RFC 9110, section 10.1.1).
  server.on('checkContinue', (request, response) => {
    if (Number(request.headers['content-length'] ?? 0) <= BODY_LIMIT) response.writeContinue();
    server.emit('request', request, response);
  });
  // Node would refuse other expectations with an empty reply; a server may ignore them.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
}

const reportSchema = z.object({ userLimits: z.object({ open_files: z.object({ soft: z.number() }) }) });

/** How many connections the process may have: each takes one of its open files, whose number the operating system limits. */
export function maxConnections(): number {
  // The report would look up the names of all peers.
  Object.assign(process.report, { excludeNetwork: true });
  const { data } = reportSchema.safeParse(process.report.getReport());
  // There is no limit, or none that Node reports.
  if (data === undefined) return MAX_CONNECTIONS;
  const { soft } = data.userLimits.open_files;
  return Math.min(MAX_CONNECTIONS, Math.max(soft - RESERVED_FILES, Math.floor(soft / 2)));
}

/** Connections on which an upload arrives that may take longer than other requests. */
const uploading = new WeakSet<Socket>();

/** Lets a request take longer than others; its handler bounds it. @returns ends that */
export function allowLongRequest(socket: Socket): () => void {
  uploading.add(socket);
  return () => void uploading.delete(socket);
}

/** Errors of Node's HTTP parser; any other means that the bytes are not HTTP. */
const CLIENT_ERRORS: ReadonlyMap<string | undefined, RawProblem> = new Map([
  ['HPE_HEADER_OVERFLOW', 'header-too-large'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'request-timeout'],
]);

/** Replies to bytes that never became a request, which no hook or handler sees. */
function replyToClientError({ code }: NodeJS.ErrnoException, socket: Socket): void {
  if (code === 'ECONNRESET' || !socket.writable) return;
  // Its route has deadlines of its own.
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT' && uploading.has(socket)) return;
  socket.write(toRawReply(CLIENT_ERRORS.get(code) ?? 'malformed-request'));
  linger(socket);
}
