/** Reads OTLP's protobuf (opentelemetry/proto/trace/v1/trace.proto) into the form that OTLP has as JSON. */

/** The value of a field as its wire type has it; what it means depends on the field. */
type Value = bigint | Buffer;

interface Message {
  all(field: number): readonly Value[];
  bytes(field: number): Buffer | undefined;
  text(field: number): string | undefined;
  integer(field: number): number | undefined;
  messages(field: number): readonly Message[];
}

const [VARINT, FIXED64, LENGTH, FIXED32] = [0, 1, 2, 5];

function readMessage(bytes: Buffer): Message {
  const found: (readonly [field: number, value: Value])[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new Error('a field goes beyond its message');
    at += length;
    return bytes.subarray(at - length, at);
  };
  const readers: Readonly<Record<number, () => Value>> = {
    [VARINT]: varint,
    [FIXED64]: () => take(8),
    [LENGTH]: () => take(Number(varint())),
    [FIXED32]: () => take(4),
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const read = readers[tag & 7];
    if (read === undefined) throw new Error(`unknown wire type ${tag & 7}`);
    found.push([tag >> 3, read()]);
  }
  const all = (field: number): Value[] => found.filter(([name]) => name === field).map(([, value]) => value);
  const buffers = (field: number): Buffer[] => all(field).filter((value) => Buffer.isBuffer(value));
  return {
    all,
    bytes: (field) => buffers(field)[0],
    text: (field) => buffers(field)[0]?.toString(),
    integer(field) {
      const [value] = all(field);
      return value === undefined ? undefined : Number(value);
    },
    messages: (field) => buffers(field).map(readMessage),
  };
}

const hex = (bytes: Buffer | undefined): string | undefined => bytes?.toString('hex');

function toValue(message: Message): object {
  const text = message.text(1);
  if (text !== undefined) return { stringValue: text };
  if (message.integer(2) !== undefined) return { boolValue: message.integer(2) === 1 };
  if (message.integer(3) !== undefined) return { intValue: message.integer(3) };
  const double = message.bytes(4);
  if (double !== undefined) return { doubleValue: double.readDoubleLE() };
  const [list] = message.messages(5);
  return { arrayValue: list?.messages(1).map(toValue) };
}

const toAttributes = (message: Message, field: number): object[] =>
  message.messages(field).map((pair) => ({ key: pair.text(1), value: pair.messages(2).map(toValue)[0] }));

const toSpan = (span: Message): object => ({
  traceId: hex(span.bytes(1)),
  spanId: hex(span.bytes(2)),
  traceState: span.text(3),
  parentSpanId: hex(span.bytes(4)),
  name: span.text(5),
  kind: span.integer(6),
  startTimeUnixNano: String(span.bytes(7)?.readBigUInt64LE()),
  endTimeUnixNano: String(span.bytes(8)?.readBigUInt64LE()),
  attributes: toAttributes(span, 9),
  events: span.messages(11),
  links: span.messages(13).map((link) => ({
    traceId: hex(link.bytes(1)),
    spanId: hex(link.bytes(2)),
    flags: link.bytes(6)?.readUInt32LE(),
  })),
  status: { code: span.messages(15)[0]?.integer(3) ?? 0 },
  flags: span.bytes(16)?.readUInt32LE(),
});

/** @returns an `ExportTraceServiceRequest` */
export function fromProtobuf(bytes: Buffer): { readonly resourceSpans: readonly object[] } {
  const resourceSpans = readMessage(bytes)
    .messages(1)
    .map((each) => ({
      resource: { attributes: each.messages(1).flatMap((resource) => toAttributes(resource, 1)) },
      scopeSpans: each.messages(2).map((ofScope) => ({
        scope: { name: ofScope.messages(1)[0]?.text(1) },
        spans: ofScope.messages(2).map(toSpan),
      })),
    }));
  return { resourceSpans };
}
