/** Where a span is in its trace, as the headers of W3C Trace Context say it. */
export interface TraceContext {
  /** The id of the trace, the id of the span, and whether it is sampled. */
  readonly traceparent: string;
  /** What tracing systems add, as they sent it; at most 512 characters. */
  readonly tracestate?: string | undefined;
}

/** Versions after 00 may append more, which is not passed on. Version ff and ids of zeros are invalid (section 3.2.2). */
const TRACEPARENT = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})($|-)/;
const SAMPLED = 1;

/** What every system must pass on (section 3.3.1.5). */
const MAX_STATE_LENGTH = 512;
const MAX_STATE_MEMBERS = 32;
const STATE_MEMBER = /^([a-z\d][a-z\d_*/@-]{0,255})=[!-+\--<>-~ ]{0,255}[!-+\--<>-~]$/;

/** Reads the headers of a request, or what they were stored as. What is invalid counts as absent. */
export function readTraceContext(traceparent: unknown, tracestate: unknown): TraceContext | undefined {
  if (typeof traceparent !== 'string') return undefined;
  const [found, version, traceId, spanId, flags, end] = TRACEPARENT.exec(traceparent) ?? [];
  if (found === undefined || (version === '00' && (end !== '' || found !== traceparent))) return undefined;
  const sampled = Number.parseInt(flags ?? '', 16) & SAMPLED;
  const state = typeof tracestate === 'string' && isTraceState(tracestate) ? { tracestate } : undefined;
  return { traceparent: `00-${traceId}-${spanId}-0${sampled}`, ...state };
}

function isTraceState(text: string): boolean {
  if (text.length > MAX_STATE_LENGTH) return false;
  const members = text.split(',').map((member) => member.trim());
  const keys = members.filter((member) => member !== '').map((member) => STATE_MEMBER.exec(member)?.[1]);
  const isValid = keys.length > 0 && keys.length <= MAX_STATE_MEMBERS && !keys.includes(undefined);
  return isValid && new Set(keys).size === keys.length;
}

/** 32 hexadecimal digits. */
export function traceIdOf({ traceparent }: TraceContext): string {
  return traceparent.slice(3, 35);
}

export function isSampled({ traceparent }: TraceContext): boolean {
  return traceparent.endsWith('1');
}
