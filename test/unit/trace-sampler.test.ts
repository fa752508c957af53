import { ROOT_CONTEXT, context, diag, propagation, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { afterEach, expect, it, vi } from 'vitest';
import { createSampler } from '../../src/observability/trace-sampler.ts';
import { newSpanId, newTraceId } from '../../src/observability/trace-ids.ts';

const SPAN = '00f067aa0ba902b7';

afterEach(() => {
  vi.unstubAllEnvs();
  for (const api of [trace, context, propagation, diag]) api.disable();
});

/** What the SDK decides with these settings. */
function startSdk(sampler: string, argument: string): (traceId: string, isParentSampled?: boolean) => boolean {
  vi.stubEnv('OTEL_TRACES_SAMPLER', sampler);
  vi.stubEnv('OTEL_TRACES_SAMPLER_ARG', argument);
  let next = '';
  const processor = { onStart() {}, onEnd() {}, async forceFlush() {}, async shutdown() {} };
  const idGenerator = { generateTraceId: () => next, generateSpanId: newSpanId };
  new NodeSDK({
    spanProcessors: [processor],
    idGenerator,
    metricReaders: [],
    logRecordProcessors: [],
  }).start();
  return (traceId, isParentSampled) => {
    next = traceId;
    const parent = { traceId, spanId: SPAN, traceFlags: isParentSampled === true ? 1 : 0, isRemote: true };
    const around = isParentSampled === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
    return trace.getTracer('test').startSpan('any', {}, around).isRecording();
  };
}

it.each([
  ['always_on', '1'],
  ['always_off', '1'],
  ['traceidratio', '0.3'],
  ['parentbased_always_on', '1'],
  ['parentbased_always_off', '1'],
  ['parentbased_traceidratio', '0.3'],
  ['parentbased_traceidratio', '0'],
  ['traceidratio', '1'],
] as const)('%s with %s decides as the SDK does', (name, argument) => {
  const ofSdk = startSdk(name, argument);
  const { isRecorded } = createSampler({ sampler: name, samplerArgument: argument });
  const ids = Array.from({ length: 300 }, newTraceId);
  for (const isParentSampled of [undefined, true, false]) {
    const own = ids.map((id) => isRecorded(isParentSampled, () => id));
    expect(own).toEqual(ids.map((id) => ofSdk(id, isParentSampled)));
  }
});
