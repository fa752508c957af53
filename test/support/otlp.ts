import { z } from 'zod';
import { poll } from './follow.ts';
import { serve } from './http-server.ts';

const attributeSchema = z.object({ key: z.string(), value: z.record(z.string(), z.unknown()) });
const attributesSchema = z
  .array(attributeSchema)
  .transform((list) => Object.fromEntries(list.map(({ key, value }) => [key, Object.values(value)[0]])));

const spanSchema = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  traceState: z.string().optional(),
  name: z.string(),
  kind: z.int(),
  attributes: attributesSchema,
  events: z.array(z.unknown()),
  links: z.array(z.object({ traceId: z.string(), spanId: z.string() })),
  status: z.object({ code: z.int(), message: z.string().optional() }),
});

const requestSchema = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: attributesSchema }),
      scopeSpans: z.array(z.object({ spans: z.array(spanSchema) })),
    }),
  ),
});

/** The kinds and the status of spans by their numbers in OTLP. */
export const SERVER = 2;
export const CLIENT = 3;
export const PRODUCER = 4;
export const CONSUMER = 5;
export const ERROR = 2;

/** A span, with the attributes of what sent it. */
export type ReceivedSpan = z.output<typeof spanSchema> & { readonly resource: Readonly<Record<string, unknown>> };

export interface OtlpReceiver {
  /** Settings with which a process sends its traces here, soon after each span. */
  readonly settings: Readonly<Record<string, string>>;
  readonly spans: readonly ReceivedSpan[];
  /** What was received, as it was sent. */
  text(): string;
  /** Resolves to the spans of a trace when there are so many. */
  trace(traceId: string, count: number): Promise<readonly ReceivedSpan[]>;
}

/** Receives traces by OTLP over HTTP as JSON. It ends with the test. */
export async function receiveTraces(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  let text = '';
  const url = await serve(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    text += body;
    for (const { resource, scopeSpans } of requestSchema.parse(JSON.parse(body)).resourceSpans) {
      for (const span of scopeSpans.flatMap((scope) => scope.spans))
        spans.push({ ...span, resource: resource.attributes });
    }
    response.setHeader('Content-Type', 'application/json').end('{}');
  });
  return {
    settings: sendTo(url),
    spans,
    text: () => text,
    trace: (traceId, count) =>
      poll(
        async () => spans.filter((span) => span.traceId === traceId),
        (found) => found.length >= count,
      ),
  };
}

export function sendTo(url: string): Record<string, string> {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: '50',
  };
}
