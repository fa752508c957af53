import { type Sampler, SamplingDecision, isSpanContextValid, trace } from '@opentelemetry/api';
import type { TraceConfig } from './trace-settings.ts';

/** Decides which traces are recorded, before anything is made for them. */
export interface TraceSampler extends Sampler {
  /**
   * @param isParentSampled undefined: the span begins a trace
   * @param traceId called only where the decision goes by it
   */
  isRecorded(isParentSampled: boolean | undefined, traceId: () => string): boolean;
}

/** As OpenTelemetry defines the values of `OTEL_TRACES_SAMPLER`. */
export function createSampler({
  sampler: name = 'parentbased_always_on',
  samplerArgument: argument = '1',
}: Pick<TraceConfig, 'sampler' | 'samplerArgument'>): TraceSampler {
  const goesByParent = name.startsWith('parentbased_');
  const share = name.endsWith('always_on') ? 1 : name.endsWith('always_off') ? 0 : Number(argument);

  const isRecorded: TraceSampler['isRecorded'] = (isParentSampled, traceId) => {
    if (goesByParent && isParentSampled !== undefined) return isParentSampled;
    return share === 1 || (share > 0 && positionOf(traceId()) < Math.floor(share * 0xffffffff));
  };

  return {
    isRecorded,
    /** For the spans that others make in this process. */
    shouldSample(context, traceId) {
      const parent = trace.getSpanContext(context);
      const isParentSampled = parent && isSpanContextValid(parent) ? (parent.traceFlags & 1) === 1 : undefined;
      const isSampled = isRecorded(isParentSampled, () => traceId);
      return { decision: isSampled ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD };
    },
    toString: () => `${name}{${share}}`,
  };
}

/** Where a trace is among all, from 0 to 2 to the 32nd: the same as in the SDK, so that services that share a ratio record the same traces. */
function positionOf(traceId: string): number {
  const part = (from: number): number => Number.parseInt(traceId.slice(from, from + 8), 16);
  return (part(0) ^ part(8) ^ part(16) ^ part(24)) >>> 0;
}
