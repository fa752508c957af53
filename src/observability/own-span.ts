import {
  type Span as OtelSpan,
  ROOT_CONTEXT,
  type SpanContext,
  SpanStatusCode,
  TraceFlags,
  type Tracer as OtelTracer,
  context,
  createTraceState,
  trace,
} from '@opentelemetry/api';
import { type TraceContext, isSampled, spanIdOf, traceIdOf } from '../core/trace.ts';
import type { Attributes, Span, SpanDescription, SpanKind } from '../core/tracer.ts';
import { LazyContext } from './lazy-context.ts';
import { KINDS, toSpanContext } from './span-context.ts';
import type { EndedSpan } from './span-encoder.ts';
import type { SpanQueue } from './span-queue.ts';
import { newSpanId, withIds } from './trace-ids.ts';

/** Where spans go. */
export interface SpanSinks {
  readonly queue: SpanQueue;
  /** The SDK's, for spans that others look at. */
  readonly tracer: OtelTracer;
}

/**
 * A span that is no more than what is sent of it. It becomes one of the SDK's, with the same ids, as soon as a `fetch`, other
 * instrumentation or the function of a job asks OpenTelemetry for the span in which it runs.
 */
export class OwnSpan implements Span, TraceContext, EndedSpan {
  readonly isRecorded = true;
  readonly isRemote = false;
  readonly traceId: string;
  readonly spanId = newSpanId();
  readonly tracestate: string | undefined;
  readonly parent: EndedSpan['parent'];
  readonly name: string;
  readonly kind: number;
  readonly attributes: Record<string, Attributes[string]>;
  readonly links: EndedSpan['links'];
  readonly startedAt = Date.now();
  endedAt = 0;
  isError = false;
  /** The clock may be set meanwhile; this one is not. */
  readonly #began = performance.now();
  readonly #sinks: SpanSinks;
  readonly #around: TraceContext | undefined;
  #sdkSpan: OtelSpan | undefined;

  constructor(
    sinks: SpanSinks,
    kind: SpanKind,
    parent: TraceContext | undefined,
    traceId: string,
    { name, attributes, links = [] }: SpanDescription,
  ) {
    this.#sinks = sinks;
    this.#around = parent;
    this.traceId = traceId;
    this.tracestate = parent?.tracestate;
    this.parent =
      parent === undefined || parent instanceof OwnSpan ? parent : { spanId: spanIdOf(parent), isRemote: true };
    this.name = name;
    this.kind = KINDS[kind] + 1;
    this.attributes = { ...attributes };
    this.links = links.map((link) => ({
      traceId: traceIdOf(link),
      spanId: spanIdOf(link),
      isSampled: isSampled(link),
    }));
  }

  /** A child, which is recorded because this one is. */
  start(kind: SpanKind, description: SpanDescription): OwnSpan {
    return new OwnSpan(this.#sinks, kind, this, this.traceId, description);
  }

  get context(): TraceContext {
    return this;
  }

  get traceparent(): string {
    return `00-${this.traceId}-${this.spanId}-01`;
  }

  get spanContext(): SpanContext {
    const { traceId, spanId, tracestate } = this;
    const traceState = tracestate === undefined ? undefined : createTraceState(tracestate);
    return { traceId, spanId, traceFlags: TraceFlags.SAMPLED, ...(traceState && { traceState }) };
  }

  set(attributes: Attributes): void {
    for (const key in attributes) this.attributes[key] = attributes[key];
  }

  run<T>(work: () => T): T {
    return context.with(new LazyContext(() => trace.setSpan(ROOT_CONTEXT, this.#toSdkSpan())), work);
  }

  end(code?: string): void {
    if (this.endedAt > 0) return;
    this.endedAt = this.startedAt + performance.now() - this.#began;
    if (code !== undefined) {
      this.attributes['error.type'] = code;
      this.isError = true;
    }
    const span = this.#sdkSpan;
    if (span === undefined) return this.#sinks.queue.add(this);
    span.setAttributes(this.attributes);
    if (this.isError) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(this.endedAt);
  }

  #toSdkSpan(): OtelSpan {
    if (this.#sdkSpan !== undefined) return this.#sdkSpan;
    // What a function left running may look when the span is sent already.
    if (this.endedAt > 0) return trace.wrapSpanContext(this.spanContext);
    const { name, kind, attributes, startedAt: startTime } = this;
    const links = this.links.map(({ traceId, spanId, isSampled: isLinkSampled }) => ({
      context: { traceId, spanId, traceFlags: isLinkSampled ? TraceFlags.SAMPLED : TraceFlags.NONE, isRemote: true },
    }));
    const parent = this.#around;
    const around = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, toSpanContext(parent));
    const options = { kind: kind - 1, attributes, links, startTime };
    return (this.#sdkSpan = withIds(this, () => this.#sinks.tracer.startSpan(name, options, around)));
  }
}
