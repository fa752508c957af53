import { type SpanContext, SpanKind, createTraceState } from '@opentelemetry/api';
import type { TraceContext } from '../core/trace.ts';

/** The headers that pass a span of this process on, made when they are needed. */
export class LocalContext implements TraceContext {
  readonly spanContext: SpanContext;

  constructor(spanContext: SpanContext) {
    this.spanContext = spanContext;
  }

  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.spanContext;
    return `00-${traceId}-${spanId}-0${traceFlags & 1}`;
  }

  get tracestate(): string | undefined {
    return this.spanContext.traceState?.serialize();
  }
}

/** What OpenTelemetry calls the kinds of spans. */
export const KINDS = { server: SpanKind.SERVER, producer: SpanKind.PRODUCER, consumer: SpanKind.CONSUMER } as const;

/** A context of this process has OpenTelemetry's form already. */
export function toSpanContext(parent: TraceContext & { readonly spanContext?: SpanContext }): SpanContext {
  if (parent.spanContext !== undefined) return parent.spanContext;
  const { traceparent, tracestate } = parent;
  return {
    traceId: traceparent.slice(3, 35),
    spanId: traceparent.slice(36, 52),
    traceFlags: Number.parseInt(traceparent.slice(53), 16),
    isRemote: true,
    ...(tracestate !== undefined && { traceState: createTraceState(tracestate) }),
  };
}
