import { describe, expect, it } from 'vitest';
import { createEventStreamParser, readEvents } from '../../src/client/event-stream.ts';

const event = (data: string, more: object = {}) => ({
  type: 'message',
  data,
  lastEventId: '',
  reconnectionTime: undefined,
  ...more,
});

/** Streams and their events by the WHATWG HTML standard, section 9.2.6. */
const STREAMS: Readonly<Record<string, { stream: string; events: object[] }>> = {
  'data of many lines is joined by line feeds': {
    stream: 'data: YHOO\ndata: +2\ndata: 10\n\n',
    events: [event('YHOO\n+2\n10')],
  },
  'comments are ignored, and an id stays until the next one': {
    stream: ': test stream\n\ndata: first\nid: 1\n\ndata:second\n\nid\ndata:  third\n\n',
    events: [event('first', { lastEventId: '1' }), event('second', { lastEventId: '1' }), event(' third')],
  },
  'an empty data field makes an event, a missing one does not': {
    stream: 'data\n\ndata\ndata\n\nevent: x\n\ndata:y\n\n',
    events: [event(''), event('\n'), event('y')],
  },
  'one space after the colon is removed': {
    stream: 'data:test\n\ndata: test\n\n',
    events: [event('test'), event('test')],
  },
  'a type applies to one event': {
    stream: 'event: ping\ndata: 1\n\ndata: 2\n\n',
    events: [event('1', { type: 'ping' }), event('2')],
  },
  'lines end in CR, LF or both': {
    stream: 'data: a\r\ndata: b\rdata: c\ndata: d\r\r\ndata: e\r\n\r\ndata: f\n\rdata: g\r\r',
    events: [event('a\nb\nc\nd'), event('e'), event('f'), event('g')],
  },
  'retry is a number of digits': {
    stream: 'retry: 1000\n\ndata: 1\n\nretry: 1.5\nretry: soon\ndata: 2\n\n',
    events: [event('1', { reconnectionTime: 1000 }), event('2', { reconnectionTime: 1000 })],
  },
  'an id with U+0000 is ignored': {
    stream: 'id: 1\ndata: 1\n\nid: 2\u0000\ndata: 2\n\n',
    events: [event('1', { lastEventId: '1' }), event('2', { lastEventId: '1' })],
  },
  'unknown fields are ignored, including names that differ in case or space': {
    stream: 'Data: 1\n data: 2\ndata : 3\nfoo: bar\ndata: 4\n\n',
    events: [event('4')],
  },
  'an event that is incomplete at the end is dropped': { stream: 'data: 1\n\ndata: 2\n', events: [event('1')] },
  'a byte order mark at the start is removed': { stream: '\uFEFFdata: 1\n\n', events: [event('1')] },
  'characters of several bytes stay intact': { stream: 'data: ä€𝄞\n\n', events: [event('ä€𝄞')] },
};

function streamOf(pieces: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
}

/** Reads a stream that arrives in these chunks. */
async function read(pieces: readonly Uint8Array[]): Promise<object[]> {
  const events: object[] = [];
  for await (const found of readEvents(streamOf(pieces), () => undefined)) events.push(found);
  return events;
}

describe('an event stream', () => {
  for (const [rule, { stream, events }] of Object.entries(STREAMS)) {
    it(`${rule}, wherever it is cut`, async () => {
      const bytes = new TextEncoder().encode(stream);
      expect(await read([bytes])).toEqual(events);
      expect(await read(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(events);
      for (let cut = 1; cut < bytes.length; cut += 1) {
        expect(await read([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(events);
      }
    });
  }

  it('yields an event with its last byte, even where lines end in CR only', () => {
    const parse = createEventStreamParser();
    expect(parse('data: 1\r\r')).toEqual([event('1')]);
    expect(parse('\ndata: 2\r\n\r')).toEqual([event('2')]);
  });

  it('reports each chunk, including comments', async () => {
    let pieces = 0;
    const body = streamOf([':\n', ':\n', 'data: 1\n\n'].map((text) => new TextEncoder().encode(text)));
    for await (const { data } of readEvents(body, () => (pieces += 1))) expect(data).toBe('1');
    expect(pieces).toBe(3);
  });
});
