import { gunzipSync } from 'node:zlib';
import { type DiagLogger, diag } from '@opentelemetry/api';
import { expect, it, onTestFinished } from 'vitest';
import { createOtlpSender } from '../../src/observability/otlp-sender.ts';
import { readOtlp } from '../../src/observability/otlp-settings.ts';
import type { EndedSpan } from '../../src/observability/span-encoder.ts';
import { createSpanQueue } from '../../src/observability/span-queue.ts';
import { poll } from '../support/follow.ts';
import { type Handler, serve } from '../support/http-server.ts';
import { fromProtobuf } from '../support/otlp-protobuf.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const ENDED: EndedSpan = {
  traceId: TRACE,
  spanId: SPAN,
  tracestate: undefined,
  parent: undefined,
  name: 'GET',
  kind: 2,
  startedAt: 1_700_000_000_123,
  endedAt: 1_700_000_000_123.5,
  attributes: {},
  links: [],
  isError: false,
};
const RESOURCE = { 'service.name': 'shop', 'process.pid': 7, 'process.command_args': ['node', 'main.ts'] };

/** A queue that sends to the handler, and what was reported. */
async function open(handler: Handler, environment: Readonly<Record<string, string>> = {}) {
  const reports: string[] = [];
  const report = (text: string): void => void reports.push(text);
  const ignore = (): void => undefined;
  const logger: DiagLogger = { error: report, warn: report, info: ignore, debug: ignore, verbose: ignore };
  diag.setLogger(logger, { suppressOverrideMessage: true });
  onTestFinished(() => diag.disable());
  const url = await serve(handler);
  const settings = readOtlp({ OTEL_EXPORTER_OTLP_ENDPOINT: url, ...environment }) ?? expect.fail('the SDK has to send');
  const source = Promise.resolve({ resource: RESOURCE, scope: 'accepted' });
  return { queue: createSpanQueue(source, createOtlpSender(settings.otlp), settings.limits), reports };
}

it('a span is sent with all that it has', async () => {
  const bodies: Buffer[] = [];
  const { queue } = await open(async (request, response) => {
    bodies.push(Buffer.concat(await request.toArray()));
    response.end();
  });
  const long = 'ü'.repeat(20_000);
  queue.add({
    ...ENDED,
    tracestate: 'vendor=opaque',
    parent: { spanId: 'a'.repeat(16), isRemote: true },
    attributes: { text: 'Käse', long, none: undefined, yes: true, whole: 300, least: -1, part: 0.5 },
    links: [{ traceId: TRACE, spanId: 'b'.repeat(16), isSampled: true }],
    isError: true,
  });
  queue.add({ ...ENDED, parent: { spanId: 'a'.repeat(16), isRemote: false }, name: 'n'.repeat(300) });
  await queue.close();
  expect(bodies).toHaveLength(1);
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const plain = {
    traceId: TRACE,
    spanId: SPAN,
    kind: 2,
    parentSpanId: 'a'.repeat(16),
    startTimeUnixNano: '1700000000123000000',
    endTimeUnixNano: '1700000000123500000',
    events: [],
  };
  expect(fromProtobuf(bodies[0] ?? Buffer.alloc(0))).toEqual({
    resourceSpans: [
      {
        resource: {
          attributes: [
            text('service.name', 'shop'),
            { key: 'process.pid', value: { intValue: 7 } },
            {
              key: 'process.command_args',
              value: { arrayValue: [{ stringValue: 'node' }, { stringValue: 'main.ts' }] },
            },
          ],
        },
        scopeSpans: [
          {
            scope: { name: 'accepted' },
            spans: [
              {
                ...plain,
                name: 'GET',
                traceState: 'vendor=opaque',
                attributes: [
                  text('text', 'Käse'),
                  text('long', long),
                  { key: 'yes', value: { boolValue: true } },
                  { key: 'whole', value: { intValue: 300 } },
                  { key: 'least', value: { doubleValue: -1 } },
                  { key: 'part', value: { doubleValue: 0.5 } },
                ],
                links: [{ traceId: TRACE, spanId: 'b'.repeat(16), flags: 0x301 }],
                status: { code: 2 },
                flags: 0x301,
              },
              { ...plain, name: 'n'.repeat(300), attributes: [], links: [], status: { code: 0 }, flags: 0x101 },
            ],
          },
        ],
      },
    ],
  });
});

it('spans beyond those that may wait are dropped and counted', async () => {
  const held: (() => void)[] = [];
  let received = 0;
  const { queue, reports } = await open(
    async (request, response) => {
      const { resourceSpans } = fromProtobuf(Buffer.concat(await request.toArray()));
      received += JSON.stringify(resourceSpans).split('"traceId"').length - 1;
      held.push(() => void response.end());
    },
    { OTEL_BSP_MAX_QUEUE_SIZE: '4', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2' },
  );
  for (let count = 0; count < 7; count += 1) queue.add(ENDED);
  await poll(
    async () => held.length,
    (requests) => requests === 1,
  );
  held.pop()?.();
  await poll(
    async () => held.length,
    (requests) => requests === 1,
  );
  queue.add(ENDED);
  expect(reports).toEqual(['3 spans were dropped, because 4 waited']);
  const closed = queue.close();
  held.pop()?.();
  await poll(
    async () => held.length,
    (requests) => requests === 1,
  );
  held.pop()?.();
  await closed;
  expect(received).toBe(5);
});

it('a request is compressed, has headers, and is repeated where the receiver asks for it', async () => {
  const requests: { readonly headers: NodeJS.Dict<string | string[]>; readonly spans: string }[] = [];
  const { queue, reports } = await open(
    async (request, response) => {
      const body = gunzipSync(Buffer.concat(await request.toArray()));
      requests.push({ headers: request.headers, spans: JSON.stringify(fromProtobuf(body)) });
      response.writeHead(requests.length === 1 ? 503 : 200, { 'Retry-After': '0.01' }).end();
    },
    {
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_HEADERS: 'api-key=of%20all, x-shop = a ,invalid,broken=%',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'api-key=of%20traces;property',
    },
  );
  queue.add(ENDED);
  await queue.close();
  expect(reports).toEqual([]);
  expect(requests).toHaveLength(2);
  expect(requests[1]?.spans).toBe(requests[0]?.spans);
  expect(requests[1]?.headers).toMatchObject({
    'api-key': 'of traces',
    'x-shop': 'a',
    'content-type': 'application/x-protobuf',
  });
  expect(Object.keys(requests[1]?.headers ?? {})).not.toContain('broken');
});

it.each([
  { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
  { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' },
  { OTEL_TRACES_EXPORTER: 'otlp,console' },
  { OTEL_EXPORTER_OTLP_CERTIFICATE: 'ca.pem' },
  { OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY: 'key.pem' },
  { OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '4' },
  { OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '10' },
])('the SDK sends where only it can: %j', (environment) => {
  expect(readOtlp(environment)).toBeUndefined();
});

it('the settings have the defaults and the order of OpenTelemetry', () => {
  expect(readOtlp({})).toEqual({
    otlp: { url: 'http://localhost:4318/v1/traces', headers: {}, timeoutMs: 10_000, isCompressed: false },
    limits: { batch: 512, waiting: 2048, delayMs: 5000, sendMs: 30_000 },
  });
  const of = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://all:4318/base/',
    OTEL_EXPORTER_OTLP_TIMEOUT: '5',
    OTEL_BSP_MAX_QUEUE_SIZE: '100',
    OTEL_BSP_SCHEDULE_DELAY: 'soon',
  };
  expect(readOtlp(of)).toMatchObject({
    otlp: { url: 'http://all:4318/base/v1/traces', timeoutMs: 5 },
    limits: { batch: 100, waiting: 100, delayMs: 5000 },
  });
  const specific = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces/x', OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '7' };
  expect(readOtlp({ ...of, ...specific })?.otlp).toMatchObject({ url: 'https://traces/x', timeoutMs: 7 });
});
