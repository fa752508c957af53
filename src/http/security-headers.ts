import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import helmet from 'helmet';

/** A year: how long browsers ask by https alone (RFC 6797). */
const HSTS = 'max-age=31536000';

/** Replies load nothing and are shown in no frame; pages say what they load beside (`rest/pages/page.ts`, `graphql/graphiql.ts`). */
const secure = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
  },
  xFrameOptions: { action: 'deny' },
  // Where the origin is reached by https, which helmet does not know.
  strictTransportSecurity: false,
});

/** What browsers look at on documents alone: other replies do not carry it, since each header costs something on each of them. */
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
 * Sets the headers that keep browsers from doing more with a reply than it is for.
 * @param publicUrl base of all URLs; undefined: each request tells how it came
 */
export function createSecurityHeaders(publicUrl: string | undefined) {
  return (request: FastifyRequest, reply: FastifyReply): void => {
    reply.headers(ofReplies);
    const base = publicUrl ?? request.protocol;
    if (base.startsWith('https')) reply.header('Strict-Transport-Security', HSTS);
  };
}

/** Sets on pages what else there is for them. */
export function addPageHeaders(app: FastifyInstance): void {
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (String(reply.getHeader('content-type')).startsWith('text/html')) reply.headers(ofPages);
    done(null, payload);
  });
}

/** What helmet sets on a reply: the same on each. */
function readHeaders(): Record<string, number | string | string[] | undefined> {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  secure(response.req, response, rethrow);
  return { ...response.getHeaders() };
}

function rethrow(cause?: unknown): void {
  if (cause !== undefined) throw new Error('the security headers are not set', { cause });
}
