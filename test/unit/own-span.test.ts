import { SpanStatusCode, context, diag, propagation, trace } from '@opentelemetry/api';
import { NodeSDK, type NodeSDKConfiguration } from '@opentelemetry/sdk-node';
import { expect, it, onTestFinished } from 'vitest';
import { createOwnTracer } from '../../src/observability/otel-tracer.ts';
import type { EndedSpan } from '../../src/observability/span-encoder.ts';
import { idGenerator } from '../../src/observability/trace-ids.ts';
import { createSampler } from '../../src/observability/trace-sampler.ts';
import type { TraceSettings } from '../../src/observability/trace-settings.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01`, tracestate: 'vendor=opaque' };
const EARLIER = { traceparent: `00-${TRACE}-${'b'.repeat(16)}-01` };

type Processor = NonNullable<NodeSDKConfiguration['spanProcessors']>[number];
type SdkSpan = Parameters<Processor['onEnd']>[0];

/** A tracer of our own SDK, what it writes itself, and what the SDK makes. */
function open(sampler?: TraceSettings['OTEL_TRACES_SAMPLER']) {
  const [written, ofSdk]: [EndedSpan[], SdkSpan[]] = [[], []];
  const processor: Processor = {
    onStart() {},
    onEnd: (span) => void ofSdk.push(span),
    async forceFlush() {},
    async shutdown() {},
  };
  const ownSampler = createSampler({ sampler, samplerArgument: undefined });
  const none = { metricReaders: [], logRecordProcessors: [] };
  new NodeSDK({ spanProcessors: [processor], sampler: ownSampler, idGenerator, ...none }).start();
  onTestFinished(() => {
    for (const api of [trace, context, propagation, diag]) api.disable();
  });
  const queue = { add: (span: EndedSpan) => void written.push(span), async close() {} };
  return { tracer: createOwnTracer(ownSampler, queue), written, ofSdk };
}

const describeAttempt = () => ({ name: 'process greeting', attributes: { 'accepted.attempt': 2 }, links: [EARLIER] });

it('a span that nobody looks at is no span of the SDK', () => {
  const { tracer, written, ofSdk } = open();
  const span = tracer.start('consumer', PARENT, describeAttempt);
  span.run(() => undefined);
  span.end('NOT_YET');
  span.end();
  expect(ofSdk).toEqual([]);
  expect(written).toHaveLength(1);
  expect(written[0]).toMatchObject({
    traceId: TRACE,
    tracestate: 'vendor=opaque',
    parent: { spanId: '00f067aa0ba902b7', isRemote: true },
    attributes: { 'accepted.attempt': 2, 'error.type': 'NOT_YET' },
    links: [{ traceId: TRACE, spanId: 'b'.repeat(16), isSampled: true }],
    isError: true,
  });
});

it('a span that somebody looks at is one of the SDK, with what both set', () => {
  const { tracer, written, ofSdk } = open();
  const request = tracer.start('server', undefined, () => ({ name: 'GET', attributes: {} }));
  const span = tracer.start('consumer', request.context, describeAttempt);
  span.run(() => {
    trace.getActiveSpan()?.setAttribute('of.others', true);
    trace.getActiveSpan()?.addEvent('seen');
    trace.getTracer('others').startSpan('child').end();
  });
  span.set({ 'accepted.outcome': 'failed' });
  span.end('NOT_YET');
  expect(written).toEqual([]);
  const [child, own, ...others] = ofSdk;
  expect(others).toEqual([]);
  const { traceId, spanId } = own?.spanContext() ?? expect.fail();
  expect(span.context.traceparent).toBe(`00-${traceId}-${spanId}-01`);
  expect(child).toMatchObject({ name: 'child', parentSpanContext: { traceId, spanId } });
  expect(own).toMatchObject({
    name: 'process greeting',
    parentSpanContext: { traceId, spanId: request.context.traceparent.slice(36, 52) },
    attributes: { 'accepted.attempt': 2, 'of.others': true, 'accepted.outcome': 'failed', 'error.type': 'NOT_YET' },
    links: [{ context: { traceId: TRACE, spanId: 'b'.repeat(16) } }],
    events: [{ name: 'seen' }],
    status: { code: SpanStatusCode.ERROR },
  });
});

it('a span that was looked at after its end is sent once', () => {
  const { tracer, written, ofSdk } = open();
  const span = tracer.start('consumer', PARENT, describeAttempt);
  const later = span.run(() => context.active());
  span.end();
  const seen = trace.getSpan(later) ?? expect.fail();
  seen.setAttribute('late', true);
  seen.end();
  expect(seen.isRecording()).toBe(false);
  expect(span.context.traceparent).toContain(`${TRACE}-${seen.spanContext().spanId}`);
  expect([written.length, ofSdk.length]).toEqual([1, 0]);
});

it('what is left out describes nothing, has one context for a request and its submission, and one for each attempt', () => {
  const { tracer, written, ofSdk } = open('parentbased_always_off');
  const describeNothing = () => expect.fail('described');
  const request = tracer.start('server', undefined, describeNothing);
  const submission = tracer.start('producer', request.context, describeNothing);
  expect(submission.context.traceparent).toBe(request.context.traceparent);
  expect(request.context.traceparent).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-00$/);
  const attempt = tracer.start('consumer', { traceparent: submission.context.traceparent }, describeNothing);
  const seen = attempt.run(() => trace.getActiveSpan()?.spanContext()) ?? expect.fail();
  expect(attempt.context.traceparent).toBe(`00-${seen.traceId}-${seen.spanId}-00`);
  expect(seen).toMatchObject({ traceId: request.context.traceparent.slice(3, 35), traceFlags: 0 });
  expect(seen.spanId).not.toBe(request.context.traceparent.slice(36, 52));
  for (const span of [request, submission, attempt]) span.end();
  expect([...written, ...ofSdk]).toEqual([]);
});

it('a sampled parent of what a sampler leaves out is passed on as not sampled', () => {
  const { tracer } = open('always_off');
  const { context: own } = tracer.start('producer', PARENT, () => expect.fail('described'));
  expect(own.traceparent).toMatch(new RegExp(`^00-${TRACE}-[\\da-f]{16}-00$`));
  expect(own.tracestate).toBe('vendor=opaque');
});
