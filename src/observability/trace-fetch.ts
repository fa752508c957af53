import { type Channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { LocalContext } from './span-context.ts';

/** What undici, which `fetch` is made of, publishes of its requests (its documentation, "Diagnostics Channel Support"). */
interface FetchRequest {
  readonly origin: string | URL;
  readonly method: string;
  /** Names and values in turn. */
  readonly headers: readonly unknown[] | string;
  addHeader(name: string, value: string): void;
}
interface FetchMessage {
  readonly request: FetchRequest;
  readonly response?: { readonly statusCode: number };
  readonly error?: Error;
}

/**
 * Records each `fetch` within a span as a child of it, and passes the trace on with it. The path and the query of its URL may be inputs, so
 * they are left out.
 * @returns ends this
 */
export function traceFetches(): () => void {
  const tracer = trace.getTracer('accepted');
  const spans = new WeakMap<FetchRequest, Span>();
  const listeners: Readonly<Record<string, (message: FetchMessage) => void>> = {
    'undici:request:create'({ request }) {
      if (trace.getActiveSpan() === undefined || hasTrace(request)) return;
      const { protocol, hostname, port } = new URL(request.origin);
      const span = tracer.startSpan(request.method, {
        kind: SpanKind.CLIENT,
        attributes: {
          'http.request.method': request.method,
          'url.scheme': protocol.slice(0, -1),
          'server.address': hostname,
          'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
        },
      });
      spans.set(request, span);
      const { traceparent, tracestate } = new LocalContext(span.spanContext());
      request.addHeader('traceparent', traceparent);
      if (tracestate) request.addHeader('tracestate', tracestate);
    },
    'undici:request:headers'({ request, response }) {
      const { statusCode = 0 } = response ?? {};
      const span = spans.get(request);
      span?.setAttribute('http.response.status_code', statusCode);
      if (statusCode >= 400) fail(span, String(statusCode));
    },
    'undici:request:trailers'({ request }) {
      spans.get(request)?.end();
    },
    'undici:request:error'({ request, error }) {
      const span = spans.get(request);
      // Its message may have the URL.
      fail(span, error !== undefined && 'code' in error ? String(error.code) : (error?.name ?? 'Error'));
      span?.end();
    },
  };
  // Each channel publishes messages of this form.
  const entries = Object.entries(listeners) as [string, Parameters<Channel['subscribe']>[0]][];
  for (const [name, listener] of entries) subscribe(name, listener);
  return () => {
    for (const [name, listener] of entries) unsubscribe(name, listener);
  };
}

function fail(span: Span | undefined, code: string): void {
  span?.setAttribute('error.type', code);
  span?.setStatus({ code: SpanStatusCode.ERROR });
}

/** Whether something else passes the trace on. */
function hasTrace({ headers }: FetchRequest): boolean {
  return Array.isArray(headers) && headers.some((name) => String(name).toLowerCase() === 'traceparent');
}
