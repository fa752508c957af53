import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type TraceContext, readTraceContext } from '../core/trace.ts';
import type { Span, SpanDescription, Tracer } from '../core/tracer.ts';

/** Probes of operators, which would hide the requests of callers. */
const UNTRACED = /^\/(health\/|metrics($|\?))/;

declare module 'fastify' {
  interface FastifyRequest {
    /** Undefined for a request that is not traced. */
    span: Span | undefined;
  }
}

/** Records each request as a span (semantic conventions for HTTP). */
export function addRequestTraces(app: FastifyInstance, tracer: Tracer | undefined): void {
  app.decorateRequest('span', undefined);
  if (tracer === undefined) return;
  app.addHook('onRequest', (request, _reply, done) => {
    if (!UNTRACED.test(request.url)) request.span = tracer.start('server', headersOf(request), () => describe(request));
    done();
  });
  // Reading a body leaves the context of the hooks before.
  app.addHook('preHandler', ({ span }, _reply, done) => (span === undefined ? done() : span.run(done)));
  app.addHook('onResponse', ({ span }, reply, done) => {
    if (span?.isRecorded) {
      const { statusCode } = reply.raw;
      span.set({ 'http.response.status_code': statusCode });
      // What the caller did wrong is no failure of the server.
      span.end(statusCode >= 500 ? (errors.get(span) ?? String(statusCode)) : undefined);
    }
    done();
  });
}

function describe({ method, protocol, routeOptions }: FastifyRequest): SpanDescription {
  // The route, not the URL: a URL may contain personal data.
  const { url: route } = routeOptions;
  return {
    name: route === undefined ? method : `${method} ${route}`,
    attributes: { 'http.request.method': method, 'http.route': route, 'url.scheme': protocol },
  };
}

const errors = new WeakMap<Span, string>();

/** To be called with the code that a caller reads when its request was refused or failed. */
export function traceError(span: Span | undefined, code: string): void {
  if (!span?.isRecorded) return;
  errors.set(span, code);
  span.set({ 'error.type': code });
}

/** Where a request is in its trace: its span, or what it came with. */
export function traceOf(request: FastifyRequest): TraceContext | undefined {
  return request.span?.context ?? headersOf(request);
}

function headersOf({ headers }: FastifyRequest): TraceContext | undefined {
  return readTraceContext(headers['traceparent'], headers['tracestate']);
}
