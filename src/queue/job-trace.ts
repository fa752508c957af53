import { type TraceContext, readTraceContext } from '../core/trace.ts';

/**
 * The `telemetry.metadata` of BullMQ's job options: the headers of W3C Trace Context as JSON, which is also what BullMQ's package for
 * OpenTelemetry writes and reads, so that a trace goes on in workers of others. Every read of a job includes its options.
 */
export function toMetadata({ traceparent, tracestate }: TraceContext): string {
  return JSON.stringify({ traceparent, tracestate });
}

/** What stands around a `traceparent` alone, which most jobs have. */
const BEFORE = '{"traceparent":"';
const AFTER = '"}';
const LENGTH = toMetadata({ traceparent: `00-${'0'.repeat(32)}-${'0'.repeat(16)}-00` }).length;

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
