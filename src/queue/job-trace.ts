import { type TraceContext, readTraceContext } from '../core/trace.ts';

/** What stands around a `traceparent` alone, which most jobs have. */
const BEFORE = '{"traceparent":"';
const AFTER = '"}';
const LENGTH = BEFORE.length + '00-'.length + 32 + '-'.length + 16 + '-00'.length + AFTER.length;

/**
 * The `telemetry.metadata` of BullMQ's job options: the headers of W3C Trace Context as JSON, which is also what BullMQ's package for
 * OpenTelemetry writes and reads, so that a trace goes on in workers of others. Every read of a job includes its options.
 */
export function toMetadata({ traceparent, tracestate }: TraceContext): string {
  return tracestate === undefined ? BEFORE + traceparent + AFTER : JSON.stringify({ traceparent, tracestate });
}

/** Undefined for a job without a trace. Another program may have written anything. */
export function fromMetadata(metadata: unknown): TraceContext | undefined {
  if (typeof metadata !== 'string') return undefined;
  // Each read of a job comes here, and JSON would take most of its time.
  if (metadata.length === LENGTH && metadata.startsWith(BEFORE) && metadata.endsWith(AFTER))
    return readTraceContext(metadata.slice(BEFORE.length, -AFTER.length), undefined);
  try {
    const headers = JSON.parse(metadata);
    return readTraceContext(headers?.traceparent, headers?.tracestate);
  } catch {
    return undefined;
  }
}
