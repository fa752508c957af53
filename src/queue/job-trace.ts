import { type TraceContext, readTraceContext } from '../core/trace.ts';

/**
 * The `telemetry.metadata` of BullMQ's job options: the headers of W3C Trace Context as JSON, which is also what BullMQ's package for
 * OpenTelemetry writes and reads, so that a trace goes on in workers of others. Every read of a job includes its options.
 */
export function toMetadata({ traceparent, tracestate }: TraceContext): string {
  return JSON.stringify({ traceparent, tracestate });
}

/** Undefined for a job without a trace. Another program may have written anything. */
export function fromMetadata(metadata: unknown): TraceContext | undefined {
  if (typeof metadata !== 'string') return undefined;
  try {
    const headers = JSON.parse(metadata);
    return readTraceContext(headers?.traceparent, headers?.tracestate);
  } catch {
    return undefined;
  }
}
