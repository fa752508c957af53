import { describe, expect, it } from 'vitest';
import { readTraceContext, traceIdOf } from '../../src/core/trace.ts';
import { fromMetadata, toMetadata } from '../../src/queue/job-trace.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const VALID = `00-${TRACE}-${SPAN}-01`;

describe('a trace context', () => {
  it('is read from the headers', () => {
    const trace = readTraceContext(VALID, 'vendor=opaque,other=x');
    expect(trace).toEqual({ traceparent: VALID, tracestate: 'vendor=opaque,other=x' });
    expect(trace && traceIdOf(trace)).toBe(TRACE);
    expect(readTraceContext(`00-${TRACE}-${SPAN}-00`, undefined)).toEqual({ traceparent: `00-${TRACE}-${SPAN}-00` });
  });

  it('of a later version is read as far as it is known', () => {
    expect(readTraceContext(`cc-${TRACE}-${SPAN}-01`, '')).toEqual({ traceparent: VALID });
    expect(readTraceContext(`cc-${TRACE}-${SPAN}-01-what-follows`, '')).toEqual({ traceparent: VALID });
    expect(readTraceContext(`00-${TRACE}-${SPAN}-ff`, '')).toEqual({ traceparent: VALID });
  });

  it.each([
    ['nothing', undefined],
    ['an empty header', ''],
    ['version ff', `ff-${TRACE}-${SPAN}-01`],
    ['a version that is not hexadecimal', `0x-${TRACE}-${SPAN}-01`],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a span id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['capitals', VALID.toUpperCase()],
    ['too few digits', `00-${TRACE.slice(1)}-${SPAN}-01`],
    ['more than version 00 has', `${VALID}-more`],
    ['an end without a hyphen', `cc-${TRACE}-${SPAN}-01more`],
    ['a line break', `${VALID}\n`],
    ['a header that was sent twice', `${VALID}, ${VALID}`],
    ['a list of headers', [VALID, VALID]],
    ['an object', { traceparent: VALID }],
  ])('is ignored: %s', (_what, traceparent) => {
    expect(readTraceContext(traceparent, undefined)).toBeUndefined();
  });

  it.each([
    ['more than 512 characters', `a=${'x'.repeat(250)},b=${'x'.repeat(250)},c=${'x'.repeat(10)}`],
    ['more than 32 members', Array.from({ length: 33 }, (_, index) => `k${index}=v`).join(',')],
    ['a key twice', 'a=1,b=2,a=3'],
    ['a member without a value', 'a=1,b'],
    ['capitals in a key', 'A=1'],
    ['a character that is not ASCII', 'a=ü'],
    ['a control character', 'a=\u0007b'],
    ['no members', ' , ,'],
    ['a header that is not text', 7],
  ])('goes on without its tracestate: %s', (_what, tracestate) => {
    expect(readTraceContext(VALID, tracestate)).toEqual({ traceparent: VALID });
  });

  it('keeps a tracestate at its limits', () => {
    const members = Array.from({ length: 32 }, (_, index) => `k${index}=v`).join(' , ');
    expect(readTraceContext(VALID, members)?.tracestate).toBe(members);
    const long = `a=${'x'.repeat(252)},b=${'x'.repeat(254)}`;
    expect(readTraceContext(VALID, `${long},`)?.tracestate).toHaveLength(512);
    expect(readTraceContext(VALID, 'tenant@system=a b=no')?.tracestate).toBeUndefined();
  });

  it('is stored with the job as BullMQ does it', () => {
    expect(toMetadata({ traceparent: VALID, tracestate: undefined })).toBe(`{"traceparent":"${VALID}"}`);
    expect(fromMetadata(toMetadata({ traceparent: VALID }))).toEqual({ traceparent: VALID });
    expect(fromMetadata(toMetadata({ traceparent: VALID, tracestate: 'a=1' }))).toEqual({
      traceparent: VALID,
      tracestate: 'a=1',
    });
  });

  it.each([undefined, null, 7, {}, '', 'no JSON', 'null', '7', '[]', '{"traceparent":{}}'])(
    'is not read from %j of another program',
    (metadata) => {
      expect(fromMetadata(metadata)).toBeUndefined();
    },
  );
});
