import { ROOT_CONTEXT, TraceFlags, context, trace } from '@opentelemetry/api';
import type { TraceContext } from '../core/trace.ts';
import type { Span } from '../core/tracer.ts';
import { LazyContext } from './lazy-context.ts';
import { toSpanContext } from './span-context.ts';
import { newSpanId, newTraceId } from './trace-ids.ts';

/** A span that the sampler leaves out. It is its own context, whose ids are made when somebody reads them. */
export class LeftOutSpan implements Span, TraceContext {
  readonly isRecorded = false;
  readonly tracestate: string | undefined;
  #traceId: string | undefined;
  #traceparent: string | undefined;

  /** @param traceId undefined: the span begins a trace, with any id */
  constructor(traceId: string | undefined, tracestate: string | undefined) {
    this.#traceId = traceId;
    this.tracestate = tracestate;
  }

  get context(): TraceContext {
    return this;
  }

  get traceparent(): string {
    return (this.#traceparent ??= `00-${(this.#traceId ??= newTraceId())}-${newSpanId()}-00`);
  }

  set(): void {}

  run<T>(work: () => T): T {
    return work();
  }

  end(): void {}
}

/** Of an attempt, whose function may call other systems, to which its context passes the decision on. */
export class LeftOutAttempt extends LeftOutSpan {
  override run<T>(work: () => T): T {
    const own = new LazyContext(() =>
      trace.setSpanContext(ROOT_CONTEXT, { ...toSpanContext(this), isRemote: false, traceFlags: TraceFlags.NONE }),
    );
    return context.with(own, work);
  }
}
