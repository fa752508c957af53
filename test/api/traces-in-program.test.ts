import { createServer as createHttpServer } from 'node:http';
import { context, diag, propagation, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { createServer, defineJob } from '../../src/index.ts';
import { poll } from '../support/follow.ts';
import { CONSUMER, SERVER, receiveTraces } from '../support/otlp.ts';
import { createStore } from '../support/stores.ts';

const greeting = defineJob({
  name: 'greeting',
  collection: 'greetings',
  description: 'Greets somebody.',
  input: z.object({ name: z.string() }),
  result: z.object({ text: z.string() }),
  // As instrumentation of others finds it.
  run: async ({ name }) =>
    trace.getTracer('program').startActiveSpan('work', async (span) => {
      span.end();
      return { text: `Hello, ${name}` };
    }),
});

it('a program that has registered an SDK gets the spans, below its own', async () => {
  const receiver = await receiveTraces();
  for (const [name, value] of Object.entries(receiver.settings)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  const sdk = new NodeSDK({ serviceName: 'program', metricReaders: [], logRecordProcessors: [] });
  sdk.start();
  onTestFinished(async () => {
    await sdk.shutdown();
    // Other files run in the same process.
    for (const api of [trace, context, propagation, diag]) api.disable();
  });
  const tracer = trace.getTracer('program');

  const store = await createStore('embedded');
  onTestFinished(() => store.remove());
  const settings = { ...store.settings, LOG_LEVEL: 'error' };
  const accepted = await createServer({ jobs: [greeting], settings });
  const program = createHttpServer((request, response) =>
    tracer.startActiveSpan('of the program', (span) => {
      response.once('close', () => span.end());
      return accepted.handler(request, response);
    }),
  );
  onTestFinished(() => void program.close());
  await new Promise<void>((resolve) => void program.listen(0, '127.0.0.1', resolve));
  const address = program.address();
  const port = typeof address === 'object' ? address?.port : undefined;

  const response = await fetch(`http://127.0.0.1:${port}/api/greetings`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Connection: 'close' },
    body: '{"name":"Ada"}',
  });
  const { traceId } = z.object({ traceId: z.string() }).parse(await response.json());
  const spans = await receiver.trace(traceId, 5);
  const named = (name: string) => spans.find((span) => span.name === name) ?? expect.fail(`there is no span ${name}`);
  expect(named('POST /api/greetings')).toMatchObject({ kind: SERVER, parentSpanId: named('of the program').spanId });
  expect(named('send greeting').parentSpanId).toBe(named('POST /api/greetings').spanId);
  expect(named('process greeting')).toMatchObject({ kind: CONSUMER, parentSpanId: named('send greeting').spanId });
  expect(named('work').parentSpanId).toBe(named('process greeting').spanId);

  await accepted.close();
  tracer.startSpan('after the end').end();
  await poll(
    async () => receiver.spans.some(({ name }) => name === 'after the end'),
    (isReceived) => isReceived,
  );
});

it('settings of the SDK that it would not read are refused', async () => {
  const settings = { OTEL_TRACES_EXPORTER: 'console' };
  await expect(createServer({ jobs: [greeting], settings })).rejects.toThrow(
    'OTEL_TRACES_EXPORTER: set it in the environment; the OpenTelemetry SDK reads nothing else',
  );
});
