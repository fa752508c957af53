import type { TraceContext } from './trace.ts';

/** By the names of OpenTelemetry's semantic conventions. Never an input, a result, or an internal text. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export type SpanKind = 'server' | 'producer' | 'consumer';

export interface SpanDescription {
  readonly name: string;
  readonly attributes: Attributes;
  /** Spans that it has to do with, apart from its parent. */
  readonly links?: readonly TraceContext[];
}

/** One step of a trace. */
export interface Span {
  readonly context: TraceContext;
  /** False: the trace is left out. Attributes are dropped, and the context alone is passed on. */
  readonly isRecorded: boolean;
  set(attributes: Attributes): void;
  /** The spans that begin within the work, such as those of its `fetch` calls, are children of this one. */
  run<T>(work: () => T): T;
  /** @param code why it failed; undefined if it did not */
  end(code?: string): void;
}

/** Records what a process does. Never throws. */
export interface Tracer {
  /**
   * @param parent undefined: the span begins a trace
   * @param describe called at once where the span is recorded, and not at all otherwise
   */
  start(kind: SpanKind, parent: TraceContext | undefined, describe: () => SpanDescription): Span;
}

/** The attributes of a job's spans (semantic conventions for messaging). */
export function jobAttributes(operation: 'send' | 'process', type: string): Attributes {
  return {
    'messaging.system': 'bullmq',
    'messaging.operation.name': operation,
    'messaging.operation.type': operation,
    'messaging.destination.name': type,
  };
}
