/** Headers for browsers: what a page may do with a reply, and which pages may read it. */
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import cors from '@fastify/cors';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import helmet from 'helmet';
import { ServiceError } from '../core/errors.ts';

/** A year, in which browsers use https alone (RFC 6797). */
const HSTS = 'max-age=31536000';

/** Replies load nothing and are shown in no frame; pages set a policy of their own (`http/page.ts`, `graphql/graphiql.ts`). */
const secure = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
  },
  xFrameOptions: { action: 'deny' },
  // Set only where the server is reached by https, which helmet cannot find out.
  strictTransportSecurity: false,
});

/** Browsers read these on documents alone; other replies go without them, since each header has its cost on each reply. */
const OF_PAGES: ReadonlySet<string> = new Set([
  'cross-origin-opener-policy',
  'origin-agent-cluster',
  'x-dns-prefetch-control',
  'x-download-options',
  'x-permitted-cross-domain-policies',
  'x-xss-protection',
]);

const all = Object.entries(readHeaders());
const ofReplies = Object.fromEntries(all.filter(([name]) => !OF_PAGES.has(name)));
const ofPages = Object.fromEntries(all.filter(([name]) => OF_PAGES.has(name)));

/**
 * Sets the security headers of a reply.
 * @param publicUrl base of all URLs; undefined: the protocol of each request decides
 */
export function createSecurityHeaders(publicUrl: string | undefined) {
  return (request: FastifyRequest, reply: FastifyReply): void => {
    reply.headers(ofReplies);
    const base = publicUrl ?? request.protocol;
    if (base.startsWith('https')) reply.header('Strict-Transport-Security', HSTS);
  };
}

/** Sets the headers that only pages need. */
export function addPageHeaders(app: FastifyInstance): void {
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (String(reply.getHeader('content-type')).startsWith('text/html')) reply.headers(ofPages);
    done(null, payload);
  });
}

/** helmet sets the same headers on each reply, so they are read once. */
function readHeaders(): Record<string, number | string | string[] | undefined> {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  secure(response.req, response, rethrow);
  return { ...response.getHeaders() };
}

function rethrow(cause?: unknown): void {
  if (cause !== undefined) throw new Error('the security headers could not be read', { cause });
}

/** The headers that pages of other origins may read. */
const EXPOSED_HEADERS = [
  'Location',
  'Operation-Location',
  'Content-Location',
  'Content-Disposition',
  'Content-Range',
  'Retry-After',
  'RateLimit',
  'RateLimit-Policy',
  'ETag',
  'Link',
  'Allow',
  'Preference-Applied',
  'Idempotency-Replayed',
  'WWW-Authenticate',
  'X-Request-Id',
];
/** Seconds for which a browser may keep the reply to a preflight. */
const MAX_AGE_SECONDS = 600;

/**
 * Lets pages of these origins read replies (Fetch, section 3.2: CORS).
 * @param origins `*` among them allows all; none allows only pages of this server
 */
export async function addCors(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return;
  await app.register(cors, {
    delegator: (request, callback) =>
      callback(null, {
        origin: origins.includes('*') ? '*' : [...origins],
        methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
        exposedHeaders: EXPOSED_HEADERS,
        maxAge: MAX_AGE_SECONDS,
        // OPTIONS without this header is a request of its own.
        preflight: request.headers['access-control-request-method'] !== undefined,
      }),
  });
}

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses what a browser sends for pages of other origins that would change something (Fetch Metadata): without content it needs no
 * permission, and a server without authentication has no other sign of who it comes from.
 * @param origins as for CORS
 * @returns throws ServiceError `forbidden`
 */
export function createOriginCheck(origins: readonly string[]): (request: FastifyRequest) => void {
  return ({ method, headers }) => {
    const site = headers['sec-fetch-site'];
    if (site === undefined || site === 'same-origin' || site === 'none' || SAFE_METHODS.has(method)) return;
    const { origin = '' } = headers;
    if (origins.includes('*') || origins.includes(origin)) return;
    throw new ServiceError('forbidden', 'Pages of this origin may not change anything here. CORS_ORIGINS allows them.');
  };
}
