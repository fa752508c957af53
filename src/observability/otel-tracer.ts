import {
  type Context,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  SpanStatusCode,
  context,
  isSpanContextValid,
  trace,
} from '@opentelemetry/api';
import { type TraceContext, isSampled, traceIdOf } from '../core/trace.ts';
import type { Attributes, Span, SpanKind, Tracer } from '../core/tracer.ts';
import { LeftOutAttempt, LeftOutSpan } from './left-out-span.ts';
import { KINDS, LocalContext, toSpanContext } from './span-context.ts';
import { newTraceId, withTraceId } from './trace-ids.ts';
import type { TraceSampler } from './trace-sampler.ts';

const NAME = 'accepted';

/** Whether an SDK is registered with OpenTelemetry's API. */
export function isRecorded(): boolean {
  // A span that never ends is never sent.
  return isSpanContextValid(trace.getTracer(NAME).startSpan('probe').spanContext());
}

/** Makes spans by OpenTelemetry's API, whichever SDK is registered with it. */
export function createTracer(): Tracer {
  const tracer = trace.getTracer(NAME);
  return {
    start(kind, parent, describe) {
      const { name, attributes, links = [] } = describe();
      const around = contextOf(kind, parent);
      const options = { kind: KINDS[kind], attributes, links: links.map((link) => ({ context: toSpanContext(link) })) };
      return new SdkSpan(tracer.startSpan(name, options, around), around);
    },
  };
}

/** The same for our own SDK, whose decisions are known before it makes a span, so that it makes none for what is left out. */
export function createOwnTracer(sampler: TraceSampler): Tracer {
  const bySdk = createTracer();
  return {
    start(kind, parent, describe) {
      if (kind === 'server' && trace.getSpan(context.active()) !== undefined)
        return bySdk.start(kind, parent, describe);
      const isAttempt = kind === 'consumer';
      if (parent instanceof LeftOutSpan && !isAttempt) return parent;
      let traceId: string | undefined;
      const idOf = (): string => (traceId ??= parent === undefined ? newTraceId() : traceIdOf(parent));
      if (sampler.isRecorded(parent && isSampled(parent), idOf))
        return withTraceId(traceId, () => bySdk.start(kind, parent, describe));
      const Kind = isAttempt ? LeftOutAttempt : LeftOutSpan;
      return new Kind(parent === undefined ? traceId : idOf(), parent?.tracestate);
    },
  };
}

/** A program around this one may have a span for the request already. */
function contextOf(kind: SpanKind, parent: TraceContext | undefined): Context {
  const active = context.active();
  if (kind === 'server' && trace.getSpan(active) !== undefined) return active;
  return parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, toSpanContext(parent));
}

class SdkSpan implements Span {
  readonly context: TraceContext;
  readonly isRecorded: boolean;
  readonly #span: OtelSpan;
  readonly #around: Context;

  constructor(span: OtelSpan, around: Context) {
    this.#span = span;
    this.#around = around;
    this.context = new LocalContext(span.spanContext());
    this.isRecorded = span.isRecording();
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes(attributes);
  }

  run<T>(work: () => T): T {
    return context.with(trace.setSpan(this.#around, this.#span), work);
  }

  end(code?: string): void {
    if (code !== undefined) {
      this.#span.setAttribute('error.type', code);
      this.#span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#span.end();
  }
}
