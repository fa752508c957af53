/** Spans as OTLP's protobuf (opentelemetry/proto/trace/v1/trace.proto), written as they end, so that nothing is kept of them but bytes. */
import type { Attributes } from '../core/tracer.ts';
import { ProtobufWriter } from './protobuf-writer.ts';

/** What is sent of a span. Ids are hexadecimal, times milliseconds since 1970. */
export interface EndedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly tracestate: string | undefined;
  readonly parent: { readonly spanId: string; readonly isRemote: boolean } | undefined;
  readonly name: string;
  /** A number of OTLP's `SpanKind`. */
  readonly kind: number;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly attributes: Attributes;
  readonly links: readonly { readonly traceId: string; readonly spanId: string; readonly isSampled: boolean }[];
  readonly isError: boolean;
}

/** `Span.flags` says that the trace is sampled, and whether the parent is in another process. */
const SAMPLED = 0x1;
const KNOWS_REMOTE = 0x100;
const IS_REMOTE = 0x200;
const STATUS_ERROR = 2;
/** Usually enough for what precedes the spans. */
const SOURCE_BYTES = 4096;
/** Characters of an attribute whose length fits in two bytes in any case. */
const SHORT_TEXT = 1000;

export type AttributeValue = string | number | boolean | readonly string[];

/** Writes a span as a field of `ScopeSpans`. */
export function writeSpan(writer: ProtobufWriter, span: EndedSpan): void {
  const { tracestate, parent } = span;
  const begin = writer.begin(2);
  writer.id(1, span.traceId);
  writer.id(2, span.spanId);
  if (tracestate !== undefined) writer.string(3, tracestate);
  if (parent !== undefined) writer.id(4, parent.spanId);
  writer.string(5, span.name);
  writer.number(6, span.kind);
  writer.time(7, span.startedAt);
  writer.time(8, span.endedAt);
  writeAttributes(writer, 9, span.attributes);
  for (const { traceId, spanId, isSampled } of span.links) {
    const link = writer.begin(13);
    writer.id(1, traceId);
    writer.id(2, spanId);
    writer.fixed32(6, KNOWS_REMOTE | IS_REMOTE | (isSampled ? SAMPLED : 0));
    writer.finish(link);
  }
  if (span.isError) {
    const status = writer.begin(15);
    writer.number(3, STATUS_ERROR);
    writer.finish(status);
  }
  writer.fixed32(16, SAMPLED | KNOWS_REMOTE | (parent?.isRemote ? IS_REMOTE : 0));
  writer.finish(begin);
}

/** As fields of the type `KeyValue`. */
function writeAttributes(
  writer: ProtobufWriter,
  field: number,
  attributes: Readonly<Record<string, AttributeValue | undefined>>,
): void {
  for (const key in attributes) {
    const value = attributes[key];
    if (value === undefined) continue;
    const lengthBytes = typeof value === 'object' || (typeof value === 'string' && value.length > SHORT_TEXT) ? 4 : 2;
    const begin = writer.begin(field, lengthBytes);
    writer.string(1, key);
    writeValue(writer, 2, value, lengthBytes);
    writer.finish(begin, lengthBytes);
  }
}

/** As a field of the type `AnyValue`. */
function writeValue(writer: ProtobufWriter, field: number, value: AttributeValue, lengthBytes: 2 | 4): void {
  const begin = writer.begin(field, lengthBytes);
  if (typeof value === 'string') writer.string(1, value);
  else if (typeof value === 'boolean') writer.number(2, value ? 1 : 0);
  else if (typeof value !== 'number') {
    const list = writer.begin(5);
    for (const item of value) writeValue(writer, 1, item, 4);
    writer.finish(list);
  } else if (Number.isSafeInteger(value) && value >= 0) writer.number(3, value);
  else writer.double(4, value);
  writer.finish(begin, lengthBytes);
}

/** What precedes the spans of a request: what they have in common. */
export interface SpanSource {
  /** Of the process. */
  readonly resource: Readonly<Record<string, AttributeValue>>;
  /** Of the instrumentation. */
  readonly scope: string;
}

/** `ExportTraceServiceRequest` of spans by `writeSpan`. */
export function toRequest({ resource, scope }: SpanSource, spans: Buffer): Buffer {
  const writer = new ProtobufWriter(spans.length + SOURCE_BYTES);
  const request = writer.begin(1);
  const resourceField = writer.begin(1);
  writeAttributes(writer, 1, resource);
  writer.finish(resourceField);
  const scopeSpans = writer.begin(2);
  const scopeField = writer.begin(1);
  writer.string(1, scope);
  writer.finish(scopeField);
  writer.append(spans);
  writer.finish(scopeSpans);
  writer.finish(request);
  return writer.take();
}
