import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { type AcceptedServer, type ServerOptions, createServer, defineJob } from '../../src/index.ts';
import { startTestServer } from '../../src/testing/testing.ts';
import { poll } from '../support/follow.ts';
import { createStore } from '../support/stores.ts';

const greeting = defineJob({
  name: 'greeting',
  collection: 'greetings',
  description: 'Greets somebody.',
  input: z.object({ name: z.string().max(100) }),
  result: z.object({ text: z.string() }),
  run: ({ name }) => ({ text: `Hello, ${name}` }),
});

async function build(options: ServerOptions = {}): Promise<AcceptedServer> {
  const store = await createStore('embedded');
  onTestFinished(() => store.remove());
  const settings = { ...store.settings, PORT: '0', LOG_LEVEL: 'error', ...options.settings };
  const server = await createServer({ jobs: [greeting], basePath: '/work', ...options, settings });
  onTestFinished(() => server.close());
  return server;
}

type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

/** Submits through REST and reads through GraphQL, and expects URLs under a base. */
async function expectGreeting(base: string, ask: Fetch = fetch): Promise<void> {
  const json = { 'Content-Type': 'application/json' };
  const accepted = await ask(`${base}/api/greetings`, { method: 'POST', headers: json, body: '{"name":"Ada"}' });
  expect(accepted.status).toBe(202);
  const { id, statusUrl } = z.object({ id: z.string(), statusUrl: z.url() }).parse(await accepted.json());
  expect(statusUrl).toBe(`${base}/api/jobs/${id}`);
  await poll(
    () => ask(`${statusUrl}?onPending=ok&onComplete=status`).then((reply) => reply.json()),
    ({ done }) => done === true,
  );
  const query = `{ jobStatus(id: "${id}") { resultUrl ... on GreetingJob { result { text } } } }`;
  const read = await ask(`${base}/graphql`, { method: 'POST', headers: json, body: JSON.stringify({ query }) });
  expect(await read.json()).toEqual({
    data: { jobStatus: { resultUrl: `${base}/api/jobs/${id}/result`, result: { text: 'Hello, Ada' } } },
  });
  const events = await ask(`${base}/api/jobs/${id}/events`, { headers: { Accept: 'text/event-stream' } });
  expect(await events.text()).toContain('"status":"Succeeded"');
  const missing = await ask(`${base}/api/jobs/none`);
  expect(missing.status).toBe(404);
  expect(await missing.json()).toMatchObject({ type: `${base}/problems/not-found` });
}

describe('createServer', () => {
  it('listens by itself', async () => {
    const { url = '' } = await (await build({ basePath: '' })).listen();
    await expectGreeting(url);
  });

  it.each([
    ['the whole path', (url: string) => url],
    ['the path that is left', (url: string) => url.replace(/^\/work/, '')],
  ])('has a handler for servers of Node that get %s', async (_, pathOf) => {
    const { handler } = await build();
    const http = createHttpServer((request, response) => {
      request.url = pathOf(request.url ?? '');
      handler(request, response);
    });
    await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void http.close());
    // The address of a listening TCP server is an object.
    await expectGreeting(`http://127.0.0.1:${(http.address() as AddressInfo).port}/work`);
  });

  it('has a plugin for Fastify', async () => {
    const server = await build();
    const outer = fastify();
    onTestFinished(() => outer.close());
    await outer.register(server.fastify, { prefix: '/work' });
    outer.post('/echo', async ({ body }) => body);
    const url = await outer.listen({ host: '127.0.0.1', port: 0 });
    await expectGreeting(`${url}/work`);
    const echo = await fetch(`${url}/echo`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"a":1}',
    });
    expect(await echo.json()).toEqual({ a: 1 });
  });

  it('has a function for servers of requests and responses', async () => {
    const PUBLIC_URL = 'https://example.com/work';
    const server = await build({ settings: { PUBLIC_URL } });
    await expectGreeting(PUBLIC_URL, (url, init) => server.fetch(new Request(url, init)));
  });

  it('ends an event stream when the reader of a response leaves', async () => {
    const PUBLIC_URL = 'https://example.com/work';
    const waits = defineJob({
      ...greeting,
      run: ({ name }, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error(name)));
        }),
    });
    const server = await build({ jobs: [waits], settings: { PUBLIC_URL, SHUTDOWN_GRACE_SECONDS: '0' } });
    const ask: Fetch = (url, init) => server.fetch(new Request(url, init));
    const accepted = await ask(`${PUBLIC_URL}/api/greetings`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{"name":"Ada"}',
    });
    const controller = new AbortController();
    const events = await ask(`${accepted.headers.get('Location')}/events`, { signal: controller.signal });
    const reader = events.body?.getReader() ?? expect.fail('no body');
    expect(new TextDecoder().decode((await reader.read()).value)).toContain('"type":"greeting"');
    controller.abort();
    await expect(reader.closed).rejects.toThrow(/abort|destroy/);
  });

  it.each(['work', '/work/', '/a b', '//work', 'https://example.com'])('refuses the base path %s', async (basePath) => {
    await expect(build({ basePath })).rejects.toThrow(/^basePath: /);
  });

  it('names all that is wrong', async () => {
    const settings = { PORT: 'http', REST: 'maybe' };
    await expect(build({ settings })).rejects.toThrow(/^PORT: .*\nREST: .*$/);
    const jobs = [greeting, { ...greeting, collection: 'jobs' }];
    await expect(build({ jobs })).rejects.toThrow(/^job type greeting: collection .*\njob type greeting: the name /);
  });
});

describe('startTestServer', () => {
  it('runs jobs on a store in memory, with the providers of the test', async () => {
    const shout = defineJob({ ...greeting, run: ({ name }, { use }) => ({ text: `${String(use('word'))}, ${name}` }) });
    const { url, close } = await startTestServer({ jobs: [shout], providers: { word: 'Hey' } });
    onTestFinished(close);
    const reply = await fetch(`${url}/api/greetings`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Prefer: 'wait=20' },
      body: '{"name":"Ada"}',
    });
    expect(await reply.json()).toEqual({ text: 'Hey, Ada' });
  });

  it('names a setting that is wrong', async () => {
    await expect(startTestServer({ jobs: [greeting], settings: { REST: 'maybe' } })).rejects.toThrow(/^REST: /);
  });
});
