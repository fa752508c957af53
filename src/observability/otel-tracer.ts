import {
  type Context,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  context,
  createTraceState,
  isSpanContextValid,
  trace,
} from '@opentelemetry/api';
import type { TraceContext } from '../core/trace.ts';
import type { Attributes, Span, SpanOptions, Tracer } from '../core/tracer.ts';

const NAME = 'accepted';
const KINDS = { server: SpanKind.SERVER, producer: SpanKind.PRODUCER, consumer: SpanKind.CONSUMER } as const;

/** Whether an SDK is registered with OpenTelemetry's API. */
export function isRecorded(): boolean {
  // A span that never ends is never sent.
  return isSpanContextValid(trace.getTracer(NAME).startSpan('probe').spanContext());
}

/**
 * @param options.isOwnSdk whether our own SDK records, and nothing else in this process makes spans. Then a request that the sampler leaves
 * out needs no context, and the decision for it is the one for the submission in it: all samplers of the settings go by the id of the
 * trace, or by the parent.
 */
export function createTracer({ isOwnSdk }: { readonly isOwnSdk: boolean }): Tracer {
  const tracer = trace.getTracer(NAME);
  return {
    start(name, options) {
      const { kind, links = [], attributes } = options;
      if (isOwnSdk && isLeftOut(options.parent)) return new UnrecordedSpan(options.parent);
      const parent = parentOf(options);
      const span = tracer.startSpan(
        name,
        { kind: KINDS[kind], attributes, links: links.map((link) => ({ context: toSpanContext(link) })) },
        parent,
      );
      // The function of a job may call other systems, to which its context passes the decision on.
      if (isOwnSdk && kind !== 'consumer' && !span.isRecording())
        return new UnrecordedSpan(new LocalContext(span.spanContext()));
      return new RecordedSpan(span, parent);
    },
  };
}

function isLeftOut(parent: TraceContext | undefined): parent is LocalContext {
  return parent instanceof LocalContext && (parent.spanContext.traceFlags & TraceFlags.SAMPLED) === 0;
}

/** A program around this one may have a span for the request already. */
function parentOf({ kind, parent }: SpanOptions): Context {
  const active = context.active();
  if (kind === 'server' && trace.getSpan(active) !== undefined) return active;
  return parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, toSpanContext(parent));
}

function toSpanContext(parent: TraceContext): SpanContext {
  if (parent instanceof LocalContext) return parent.spanContext;
  const { traceparent, tracestate } = parent;
  return {
    traceId: traceparent.slice(3, 35),
    spanId: traceparent.slice(36, 52),
    traceFlags: Number.parseInt(traceparent.slice(53), 16),
    isRemote: true,
    ...(tracestate !== undefined && { traceState: createTraceState(tracestate) }),
  };
}

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

/** Of a request that the sampler leaves out. */
class UnrecordedSpan implements Span {
  readonly context: TraceContext;

  constructor(own: TraceContext) {
    this.context = own;
  }

  set(): void {}

  run<T>(work: () => T): T {
    return work();
  }

  end(): void {}
}

class RecordedSpan implements Span {
  readonly context: TraceContext;
  readonly #span: OtelSpan;
  readonly #parent: Context;

  constructor(span: OtelSpan, parent: Context) {
    this.#span = span;
    this.#parent = parent;
    this.context = new LocalContext(span.spanContext());
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes(attributes);
  }

  run<T>(work: () => T): T {
    return context.with(trace.setSpan(this.#parent, this.#span), work);
  }

  end(code?: string): void {
    if (code !== undefined) {
      this.#span.setAttribute('error.type', code);
      this.#span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#span.end();
  }
}
