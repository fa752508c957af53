import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
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

/**
 * Sets the headers that keep browsers from doing more with a reply than it is for.
 * @param publicUrl base of all URLs; undefined: each request tells how it came
 */
export function createSecurityHeaders(publicUrl: string | undefined) {
  const headers = readHeaders();
  return (request: FastifyRequest, reply: FastifyReply): void => {
    reply.headers(headers);
    const base = publicUrl ?? request.protocol;
    if (base.startsWith('https')) reply.header('Strict-Transport-Security', HSTS);
  };
}

/** What helmet sets on a reply: the same on each. */
function readHeaders(): Record<string, number | string | string[] | undefined> {
  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  secure(request, response, rethrow);
  return { ...response.getHeaders() };
}

function rethrow(cause?: unknown): void {
  if (cause !== undefined) throw new Error('the security headers are not set', { cause });
}
