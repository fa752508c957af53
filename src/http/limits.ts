import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyHttpOptions, FastifyInstance } from 'fastify';
import { type ProblemName, ServiceError } from '../core/errors.ts';
import { toRawReply } from './problem.ts';

/** Room for the largest import of ordinary rows, and little more: 1.5 MiB. */
const BODY_LIMIT = 1.5 * 1024 * 1024;
/** Of the request line and all header fields, in bytes. */
const HEAD_LIMIT = 16 * 1024;
const MAX_HEADER_FIELDS = 100;
/** Until the head is there, and until the body is: who sends more slowly keeps a connection for nothing. */
const HEAD_TIMEOUT_MS = 20_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** How often connections are held against these times. */
const CHECK_MS = 2000;
/** For a connection without a request; longer than proxies keep theirs, so that they are the ones who close. */
const KEEP_ALIVE_MS = 75_000;
/** Room for 10,000 event streams, and as many others. The system's limit of open files is below that on many machines. */
const MAX_CONNECTIONS = 20_000;
/** Longer than a URL can be, so that an id which is too long is not found, like others that do not exist. */
const MAX_PARAM_LENGTH = 100_000;

/** What the server takes from one client, and for how long it waits for it. */
export const LIMITS = {
  bodyLimit: BODY_LIMIT,
  requestTimeout: REQUEST_TIMEOUT_MS,
  keepAliveTimeout: KEEP_ALIVE_MS,
  http: {
    maxHeaderSize: HEAD_LIMIT,
    headersTimeout: HEAD_TIMEOUT_MS,
    connectionsCheckingInterval: CHECK_MS,
    // A request without Host gets a reply that says so.
    requireHostHeader: false,
  },
  clientErrorHandler: replyToClientError,
  routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_PARAM_LENGTH },
} satisfies FastifyHttpOptions<Server>;

/** What Fastify has no option for. */
export function addLimits(app: FastifyInstance): void {
  app.server.maxConnections = MAX_CONNECTIONS;
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.raw.rawHeaders.length / 2 > MAX_HEADER_FIELDS)
      throw new ServiceError('header-too-large', `The request has more than ${MAX_HEADER_FIELDS} header fields.`);
    done();
  });
  // A tunnel (RFC 9110, section 9.3.6) is nothing that Node makes a request of.
  app.server.on('connect', (_request, socket) => socket.end(toRawReply('not-implemented')));
}

/** What Node finds wrong with a connection; all else are bytes that are no HTTP. */
const CLIENT_ERRORS: Readonly<Record<string, ProblemName>> = {
  HPE_HEADER_OVERFLOW: 'header-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
};

/** Replies to what never became a request, for which there is no other way. */
function replyToClientError({ code }: NodeJS.ErrnoException, socket: Socket): void {
  if (code === 'ECONNRESET' || socket.destroyed) return;
  if (socket.writable) socket.write(toRawReply(CLIENT_ERRORS[code ?? ''] ?? 'malformed-request'));
  socket.destroySoon();
}
