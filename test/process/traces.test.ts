import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text as readAll } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { poll } from '../support/follow.ts';
import { serve } from '../support/http-server.ts';
import {
  CLIENT,
  CONSUMER,
  ERROR,
  type OtlpReceiver,
  PRODUCER,
  type ReceivedSpan,
  SERVER,
  receiveTraces,
  sendTo,
} from '../support/otlp.ts';
import { type AcceptedProcess, runToEnd, startProcess } from '../support/process.ts';
import { BACKENDS, type Backend, createStore } from '../support/stores.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/traced');
const MODULE_LOG = `--import ${pathToFileURL(join(import.meta.dirname, '../support/module-log.ts')).href}`;

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER_SPAN = '00f067aa0ba902b7';
const TRACEPARENT = `00-${TRACE}-${CALLER_SPAN}-01`;
const SECRET = 'secret-of-the-input';

const jobSchema = z.object({ id: z.string(), status: z.string(), traceId: z.string().nullable() });

/** A process with the job type, or two where the store allows it, which send their traces to the receiver. */
async function start(backend: Backend, settings: Readonly<Record<string, string>>, output?: PassThrough) {
  if (backend === 'embedded') {
    const api = await startOne(settings, { output, backend });
    return { api, worker: api };
  }
  const options = await optionsOn(backend, settings, output);
  const api = await startProcess({ ...options, role: 'api' });
  return { api, worker: await startProcess({ ...options, role: 'worker' }) };
}

/** One process that is API and worker. Redis is the store whose start costs least. */
async function startOne(
  settings: Readonly<Record<string, string>>,
  { output, backend = 'redis' }: { output?: PassThrough | undefined; backend?: Backend } = {},
): Promise<AcceptedProcess> {
  return startProcess(await optionsOn(backend, settings, output));
}

async function optionsOn(backend: Backend, settings: Readonly<Record<string, string>>, output?: PassThrough) {
  const store = await createStore(backend);
  onTestFinished(store.remove);
  return { settings: { ...store.settings, JOBS_DIR, ...settings }, ...(output && { output }) };
}

/** A server that the job calls. It keeps the headers of the requests. */
async function startCalled(): Promise<{ url: string; headers: NodeJS.Dict<string | string[]>[] }> {
  const headers: NodeJS.Dict<string | string[]>[] = [];
  const url = await serve((request, response) => {
    headers.push(request.headers);
    response.end('a private reply');
  });
  return { url: `${url}/${SECRET}`, headers };
}

const submit = async (
  { url }: AcceptedProcess,
  input: unknown,
  headers: Record<string, string> = {},
): Promise<z.output<typeof jobSchema>> => {
  const init = { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers } };
  return jobSchema.parse(await (await fetch(`${url}/api/traceds`, { ...init, body: JSON.stringify(input) })).json());
};

const finish = ({ url }: AcceptedProcess, id: string): Promise<z.output<typeof jobSchema>> =>
  poll(
    async () => jobSchema.parse(await (await fetch(`${url}/api/jobs/${id}?onComplete=status`)).json()),
    ({ status }) => status === 'Succeeded' || status === 'Failed',
  );

const of = (spans: readonly ReceivedSpan[], kind: number, name: string): readonly ReceivedSpan[] =>
  spans.filter((span) => span.kind === kind && span.name === name);

const only = (spans: readonly ReceivedSpan[], kind: number, name: string): ReceivedSpan => {
  const [span, ...others] = of(spans, kind, name);
  expect(others).toEqual([]);
  return span ?? expect.fail(`there is no span ${name}`);
};

/** By how many attempts began before. */
const attemptsOf = (spans: readonly ReceivedSpan[]): readonly ReceivedSpan[] =>
  of(spans, CONSUMER, 'process traced').toSorted(
    (a, b) => Number(a.attributes['accepted.attempt']) - Number(b.attributes['accepted.attempt']),
  );

describe.each(BACKENDS)('a trace on %s', (backend) => {
  it('goes from the request through the queue into each attempt and its fetches', async () => {
    const receiver = await receiveTraces();
    const called = await startCalled();
    const output = new PassThrough();
    const log = readAll(output);
    const { api, worker } = await start(backend, { ...receiver.settings, OTEL_SERVICE_NAME: 'shop' }, output);
    const response = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', traceparent: TRACEPARENT, tracestate: 'vendor=opaque' },
      body: JSON.stringify({
        query:
          'mutation Mine($input: SubmitTracedInput!) { first: submitTraced(input: $input) { job { id traceId status } } }',
        variables: { input: { url: called.url, failures: 1 } },
      }),
    });
    const replySchema = z.object({ data: z.object({ first: z.object({ job: jobSchema }) }) });
    const { id, traceId } = replySchema.parse(await response.json()).data.first.job;
    expect(traceId).toBe(TRACE);
    expect(await finish(api, id)).toMatchObject({ status: 'Succeeded', traceId: TRACE });

    const spans = await receiver.trace(TRACE, 6);
    const server = only(spans, SERVER, 'POST /graphql');
    expect(server).toMatchObject({ parentSpanId: CALLER_SPAN, traceState: 'vendor=opaque', status: { code: 0 } });
    expect(server.attributes).toEqual({
      'http.request.method': 'POST',
      'http.route': '/graphql',
      'http.response.status_code': 200,
      'url.scheme': 'http',
      'graphql.operation.type': 'mutation',
      'graphql.operation.name': 'Mine',
    });
    const producer = only(spans, PRODUCER, 'send traced');
    expect(producer).toMatchObject({ parentSpanId: server.spanId, traceState: 'vendor=opaque', links: [] });
    expect(producer.attributes).toEqual({
      'messaging.system': 'bullmq',
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'traced',
      'messaging.message.id': id,
      'graphql.field.name': 'submitTraced',
    });

    const [first, second, ...others] = attemptsOf(spans);
    expect(others).toEqual([]);
    const attempt = {
      'messaging.system': 'bullmq',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': 'traced',
      'messaging.message.id': id,
    };
    const parent = { parentSpanId: producer.spanId, traceState: 'vendor=opaque', events: [] };
    expect(first).toMatchObject({ ...parent, links: [], status: { code: ERROR } });
    expect(first?.attributes).toEqual({
      ...attempt,
      'accepted.attempt': 1,
      'accepted.outcome': 'failed',
      'error.type': 'NOT_YET',
    });
    expect(second).toMatchObject({
      ...parent,
      links: [{ traceId: TRACE, spanId: first?.spanId }],
      status: { code: 0 },
    });
    expect(second?.attributes).toEqual({ ...attempt, 'accepted.attempt': 2, 'accepted.outcome': 'succeeded' });

    const fetches = of(spans, CLIENT, 'GET');
    expect(new Set(fetches.map(({ parentSpanId }) => parentSpanId))).toEqual(new Set([first?.spanId, second?.spanId]));
    expect(new Set(called.headers.map(({ traceparent }) => traceparent))).toEqual(
      new Set(fetches.map(({ spanId }) => `00-${TRACE}-${spanId}-01`)),
    );
    expect(fetches).toHaveLength(2);
    expect(called.headers.map(({ tracestate }) => tracestate)).toEqual(['vendor=opaque', 'vendor=opaque']);
    expect(fetches[0]?.attributes).toEqual({
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'url.scheme': 'http',
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(called.url).port),
    });
    expect(new Set(spans.map(({ resource }) => resource['service.name']))).toEqual(new Set(['shop']));
    for (const text of [SECRET, 'private']) expect(receiver.text()).not.toContain(text);

    await worker.end('SIGTERM');
    await api.end('SIGTERM');
    output.end();
    const lines = (await log).split('\n').filter((line) => line.includes(id) && line.includes('"msg":"job '));
    expect(lines.map((line) => /"traceId":"(\w+)","[^}]*"msg":"([^"]+)"/.exec(line)?.slice(1))).toEqual([
      [TRACE, 'job attempt failed'],
      [TRACE, 'job succeeded'],
    ]);
  });
});

describe('traces', () => {
  async function startTraced(settings: Record<string, string> = {}): Promise<{
    receiver: OtlpReceiver;
    api: AcceptedProcess;
  }> {
    const receiver = await receiveTraces();
    const api = await startOne({ ...receiver.settings, ...settings });
    return { receiver, api };
  }

  it('begin anew where the header is invalid, and name their service by themselves', async () => {
    const { receiver, api } = await startTraced();
    const called = await startCalled();
    const invalid = [
      `ff-${TRACE}-${CALLER_SPAN}-01`,
      `00-${'0'.repeat(32)}-${CALLER_SPAN}-01`,
      `00-${TRACE}-${'0'.repeat(16)}-01`,
      `${TRACEPARENT}, ${TRACEPARENT}`,
      'x'.repeat(10_000),
    ];
    for (const traceparent of invalid) {
      const { id, traceId } = await submit(api, { url: called.url, failures: 0 }, { traceparent });
      expect(traceId).toMatch(/^[\da-f]{32}$/);
      expect(traceId).not.toBe(TRACE);
      await finish(api, id);
      const spans = await receiver.trace(traceId ?? '', 4);
      const server = only(spans, SERVER, 'POST /api/traceds');
      expect(server.parentSpanId).toBeUndefined();
      expect(only(spans, PRODUCER, 'send traced').parentSpanId).toBe(server.spanId);
      expect(server.resource['service.name']).toBe('accepted');
    }
    const { traceId } = await submit(
      api,
      { url: called.url, failures: 0 },
      {
        traceparent: TRACEPARENT,
        tracestate: Array.from({ length: 100 }, (_, index) => `k${index}=${'v'.repeat(100)}`).join(','),
      },
    );
    expect(traceId).toBe(TRACE);
    expect((await receiver.trace(TRACE, 4)).map(({ traceState = '' }) => traceState)).toEqual(['', '', '', '']);
  });

  it('that a sampler leaves out go on in the job and its fetches, and are not sent', async () => {
    const receiver = await receiveTraces();
    const called = await startCalled();
    const sampler = { OTEL_TRACES_SAMPLER: 'parentbased_always_off' };
    const { api, worker } = await start('redis', { ...receiver.settings, ...sampler });
    const begun = await submit(api, { url: called.url, failures: 0 });
    const unsampled = { traceparent: TRACEPARENT.replace(/1$/, '0'), tracestate: 'vendor=opaque' };
    const { id } = await submit(api, { url: called.url, failures: 0 }, unsampled);
    const sampled = await submit(api, { url: called.url, failures: 0 }, { traceparent: TRACEPARENT });
    for (const job of [begun.id, id, sampled.id]) expect(await finish(api, job)).toMatchObject({ status: 'Succeeded' });
    const passedOn = called.headers.map(({ traceparent }) => String(traceparent).replace(/-[\da-f]{16}-/, ' '));
    expect(passedOn.toSorted()).toEqual([`00-${begun.traceId} 00`, `00-${TRACE} 00`, `00-${TRACE} 01`].toSorted());
    expect(called.headers.map(({ tracestate }) => tracestate)).toContain('vendor=opaque');
    for (const process of new Set([api, worker])) await process.end('SIGTERM');
    expect(of(receiver.spans, SERVER, 'POST /api/traceds')).toHaveLength(1);
    expect(of(receiver.spans, CONSUMER, 'process traced')).toHaveLength(1);
  });

  it('have what was refused by its code, and leave out health checks', async () => {
    const { receiver, api } = await startTraced();
    await fetch(`${api.url}/health/ready`);
    const refused = await fetch(`${api.url}/api/traceds`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', traceparent: TRACEPARENT },
      body: JSON.stringify({ url: SECRET }),
    });
    expect(refused.status).toBe(400);
    await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', traceparent: TRACEPARENT },
      body: JSON.stringify({ query: 'query Hidden { jobs(first: 0) { totalCount } }' }),
    });
    await fetch(`${api.url}/api/unknown/${SECRET}`, { headers: { traceparent: TRACEPARENT } });
    const spans = await receiver.trace(TRACE, 4);
    expect(only(spans, SERVER, 'POST /api/traceds')).toMatchObject({
      attributes: { 'http.response.status_code': 400, 'error.type': 'invalid-input' },
      // The server did not fail.
      status: { code: 0 },
    });
    expect(only(spans, PRODUCER, 'send traced')).toMatchObject({
      attributes: { 'error.type': 'invalid-input' },
      status: { code: ERROR },
    });
    expect(only(spans, SERVER, 'POST /graphql').attributes['error.type']).toBe('GRAPHQL_VALIDATION_FAILED');
    expect(only(spans, SERVER, 'GET').attributes).toMatchObject({ 'http.response.status_code': 404 });
    expect(receiver.spans.some(({ name }) => name.includes('health'))).toBe(false);
    expect(receiver.text()).not.toContain(SECRET);
  });

  it('are off, with nothing of the SDK loaded, unless they are turned on', async () => {
    const called = await startCalled();
    for (const settings of [{}, { OTEL_SERVICE_NAME: 'shop' }, { ...sendTo(called.url), OTEL_SDK_DISABLED: 'true' }]) {
      const output = new PassThrough();
      const log = readAll(output);
      const api = await startOne({ NODE_OPTIONS: MODULE_LOG, ...settings }, { output });
      const { id, traceId } = await submit(api, { url: called.url, failures: 0 }, { traceparent: TRACEPARENT });
      expect(traceId).toBe(TRACE);
      await finish(api, id);
      await api.end('SIGTERM');
      output.end();
      const loaded = (await log).split('\n').filter((line) => line.startsWith('loaded '));
      expect(loaded.filter((line) => !line.includes('/@opentelemetry/api/'))).toEqual([]);
    }
    expect(called.headers.map(({ traceparent }) => traceparent)).toEqual([undefined, undefined, undefined]);
  });

  it('need the package of the SDK', async () => {
    const settings = {
      ...sendTo('http://127.0.0.1:1'),
      NODE_OPTIONS: MODULE_LOG,
      HIDE_PACKAGE: '@opentelemetry/sdk-node',
      JOBS_DIR,
    };
    const { code, stderr } = await runToEnd({ settings });
    expect(code).toBe(1);
    expect(stderr.split('\n').filter((line) => line.startsWith('accepted: '))).toEqual([
      'accepted: OTEL_EXPORTER_OTLP_ENDPOINT: traces need the package @opentelemetry/sdk-node; run npm install @opentelemetry/sdk-node',
    ]);
  });

  it.each([
    ['is away', async () => 'http://127.0.0.1:1'],
    ['hangs', () => serve(() => undefined)],
    ['refuses', () => serve((_request, response) => response.writeHead(500).end('no'))],
  ])('disturb nothing else where their receiver %s, and the log says so once', async (_what, receiver) => {
    const called = await startCalled();
    const output = new PassThrough();
    const log = readAll(output);
    const settings = { ...sendTo(await receiver()), OTEL_EXPORTER_OTLP_TIMEOUT: '200', SHUTDOWN_GRACE_SECONDS: '1' };
    const api = await startOne(settings, { output });
    let text = '';
    output.on('data', (chunk: Buffer) => (text += chunk.toString()));
    for (let count = 0; count < 5; count += 1) {
      const { id } = await submit(api, { url: called.url, failures: 0 });
      expect(await finish(api, id)).toMatchObject({ status: 'Succeeded' });
    }
    await poll(
      async () => text.includes('traces cannot be sent'),
      (isLogged) => isLogged,
    );
    const { id } = await submit(api, { url: called.url, failures: 0 });
    expect(await finish(api, id)).toMatchObject({ status: 'Succeeded' });
    expect(await api.end('SIGTERM')).toBe(0);
    output.end();
    const warnings = (await log).split('\n').filter((line) => line.includes('"level":"warn"'));
    expect(warnings.filter((line) => line.includes('traces cannot be sent'))).toHaveLength(1);
  });

  it('do not keep a process from its end where the receiver hangs', async () => {
    const called = await startCalled();
    const api = await startOne(sendTo(await serve(() => undefined)));
    const { id } = await submit(api, { url: called.url, failures: 0 });
    await finish(api, id);
    const begun = performance.now();
    expect(await api.end('SIGTERM')).toBe(0);
    // The SDK itself would wait for 10 s.
    expect(performance.now() - begun).toBeLessThan(8000);
  });
});
