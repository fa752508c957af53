import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type TestApp, startApp, startAppForTest } from '../support/app.ts';
import { poll } from '../support/follow.ts';
import { startProcess } from '../support/process.ts';
import { openSocket, sendRaw } from '../support/raw-http.ts';
import { createStore } from '../support/stores.ts';

const HEAD = ['POST /api/books HTTP/1.1', 'Host: localhost', 'Content-Type: application/json', 'Connection: close'];
const GRAPHQL = ['POST /graphql HTTP/1.1', ...HEAD.slice(1)];

describe('the HTTP server', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp('redis');
  });
  afterAll(async () => {
    // The process has survived every request above, and no prototype has changed.
    expect((await app.fetch('/health/ready')).status).toBe(200);
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect('polluted' in {}).toBe(false);
    await app.close();
  });

  it.each([
    ['a URL of 20 KB', [`GET /api/jobs?${'a'.repeat(20_000)} HTTP/1.1`, 'Host: localhost']],
    ['a field of 20 KB', ['GET /api/jobs HTTP/1.1', 'Host: localhost', `Cookie: ${'a'.repeat(20_000)}`]],
    [
      '101 fields',
      [
        'GET /api/jobs HTTP/1.1',
        'Host: localhost',
        'Connection: close',
        ...Array.from({ length: 99 }, (_, i) => `X-${i}: a`),
      ],
    ],
  ])('refuses a head with %s', async (_, lines) => {
    const reply = await sendRaw(app.url, lines);
    expect(reply).toMatch(/^HTTP\/1\.1 431 .*application\/problem\+json.*\/problems\/header-too-large"/s);
    expect(reply).toMatch(/x-content-type-options: nosniff/i);
  });

  it.each([
    ['of 2 MB, by its length', [`Content-Length: 2000000`], 'a'],
    [
      'of 2 MB, in chunks',
      ['Transfer-Encoding: chunked'],
      `${(2_000_000).toString(16)}\r\n${'a'.repeat(2_000_000)}\r\n0\r\n\r\n`,
    ],
  ])('refuses a body %s on both APIs', async (_, head, body) => {
    for (const start of [HEAD, GRAPHQL]) {
      const socket = await openSocket(app.url);
      socket.write([...start, ...head, '', body].join('\r\n'));
      let reply = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => (reply += chunk));
      await poll(
        async () => reply,
        (got) => got.includes('}'),
      );
      expect(reply).toMatch(/^HTTP\/1\.1 413 /);
    }
  });

  it.each([
    ['without a space', 'nonsense\r\n\r\n'],
    ['of another protocol', '\x16\x03\x01\x02\x00\x01\x00\x01'],
    [
      'with a length and chunks, which proxies may interpret differently',
      [...HEAD, 'Content-Length: 5', 'Transfer-Encoding: chunked', '', '0'].join('\r\n'),
    ],
    ['with two lengths', [...HEAD, 'Content-Length: 5', 'Content-Length: 6', '', '{}'].join('\r\n')],
    ['with a field folded over two lines', [...HEAD.slice(0, 2), 'X-Field: a', ' b', '', ''].join('\r\n')],
    ['with a carriage return in a field', [...HEAD.slice(0, 2), 'X-Field: a\rb', '', ''].join('\r\n')],
    ['with U+0000 in a field', [...HEAD.slice(0, 2), 'X-Field: a\0b', '', ''].join('\r\n')],
  ])('refuses bytes %s', async (_, bytes) => {
    expect(await sendRaw(app.url, bytes)).toMatch(/^HTTP\/1\.1 400 .*\/problems\/malformed-request"/s);
  });

  it('refuses a compressed body with 415 on both APIs', async () => {
    for (const start of [HEAD, GRAPHQL]) {
      const reply = await sendRaw(app.url, [...start, 'Content-Encoding: gzip', 'Content-Length: 2', '', '{}']);
      expect(reply).toMatch(/^HTTP\/1\.1 415 .*accept-encoding: identity.*compressed/is);
    }
    const identity = await sendRaw(app.url, [...HEAD, 'Content-Encoding: identity', 'Content-Length: 2', '', '{}']);
    expect(identity).toMatch(/^HTTP\/1\.1 400 .*\/problems\/invalid-input"/s);
  });

  it.each([
    ['"__proto__":{"polluted":true}', '__proto__'],
    [String.raw`"\u005f_pro\u0074o__":{"polluted":true}`, '__proto__'],
    ['"constructor":{"prototype":{"polluted":true}}', 'constructor/prototype'],
    ['"list":[{"deep":{"__proto__":{"polluted":true}}}]', 'list/0/deep/__proto__'],
  ])('refuses a key that changes prototypes, and names it: %s', async (member, pointer) => {
    const rest = await app.fetch('/api/books', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: `{"id":"1","title":"Emma",${member}}`,
    });
    expect(rest.status).toBe(400);
    expect(await rest.json()).toMatchObject({
      type: `${app.url}/problems/invalid-input`,
      errors: [{ pointer: `#/${pointer}` }],
    });

    const query = 'query ($id: ID!) { jobStatus(id: $id) { id } }';
    const path = pointer.split('/').map((part) => (part === '0' ? 0 : part));
    const graphql = await app.fetch('/graphql', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: `{"query":${JSON.stringify(query)},"variables":{"id":"1",${member}}}`,
    });
    expect(graphql.status).toBe(400);
    expect((await graphql.json()).errors[0].extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      issues: [{ path: ['variables', ...path] }],
    });

    for (const name of ['variables', 'extensions']) {
      const got = await app.fetch(
        `/graphql?${new URLSearchParams({ query: '{ __typename }', [name]: `{${member}}` }).toString()}`,
      );
      expect(got.status).toBe(400);
      expect((await got.json()).errors[0].extensions).toMatchObject({ code: 'BAD_USER_INPUT', issues: [{ path }] });
    }
    expect('polluted' in {}).toBe(false);
  });

  it.each([
    '/api/jobs?__proto__[polluted]=true',
    '/api/jobs?constructor.prototype.polluted=true',
    '/api/jobs?__proto__=1',
  ])('treats such keys in a query as unknown parameters: %s', async (path) => {
    expect((await app.fetch(path)).status).toBe(400);
    expect('polluted' in {}).toBe(false);
  });

  it('refuses JSON that is nested 700,000 levels deep on both APIs', async () => {
    const deep = `${'['.repeat(700_000)}${']'.repeat(700_000)}`;
    const send = (path: string, body: string) =>
      app.fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
    for (const response of [
      await send('/api/books', `{"id":${deep}}`),
      await send('/graphql', `{"query":"{ __typename }","variables":{"id":${deep}}}`),
    ]) {
      expect(response.status).toBe(400);
      expect(await response.text()).toContain('100 levels');
    }
  });

  it('does not count brackets inside strings', async () => {
    const title = `${'[{'.repeat(90)}\\"`;
    expect((await app.post('/api/books', { id: '1', title })).status).toBe(202);
  });

  it.each([
    'a\r\nX-Injected: yes',
    'a%0d%0aX-Injected:%20yes',
    '\u2028\u2029',
    'é',
    '"><script>',
    '../../etc',
    '%2e%2e%2f',
    '\u001b[31m',
  ])('never lets input inject a header: %j', async (nasty) => {
    const expectClean = (response: Response): void => {
      expect(response.status).toBeLessThan(500);
      expect(response.headers.has('x-injected')).toBe(false);
      for (const [, value] of response.headers) expect(value).toMatch(/^[\t\x20-\x7e]*$/);
    };
    const quoted = encodeURIComponent(nasty);
    for (const path of [
      `/api/jobs/${quoted}`,
      `/api/books/${quoted}`,
      `/api/jobs?limit=1&cursor=${quoted}`,
      `/api/jobs?type=book&x=${quoted}`,
      `/${quoted}`,
    ])
      expectClean(await app.fetch(path));
    const prefer = nasty.replaceAll(/[^\x20-\x7e]/g, '');
    const response = await app.fetch('/api/books', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Prefer: `wait=20; ${prefer}`, 'Idempotency-Key': '"1"' },
      body: JSON.stringify({ id: '7', title: nasty.replaceAll(/[^\x20-\x7e]/g, '') || 'a' }),
    });
    expectClean(response);
    await response.text();
  });
});

describe('a resource whose id would break a header', () => {
  it('is escaped in Location', async () => {
    const { createUrls } = await import('../../src/core/urls.ts');
    const location = createUrls('http://localhost').resource('things', 'a\r\nX-Injected: yes/../"é');
    expect(location).toBe('http://localhost/api/things/a%0D%0AX-Injected%3A%20yes%2F..%2F%22%C3%A9');
  });
});

/** Starts an app, and finds its HTTP server: https://fastify.dev/docs/latest/Reference/Hooks/#diagnostics-channel-hooks */
async function startWithServer(): Promise<{ app: TestApp; server: Server }> {
  const created = Promise.withResolvers<Server>();
  const listen = (message: unknown): void => {
    const { fastify } = message as { fastify: FastifyInstance };
    created.resolve(fastify.server);
  };
  subscribe('fastify.initialization', listen);
  onTestFinished(() => void unsubscribe('fastify.initialization', listen));
  const app = await startAppForTest('redis');
  return { app, server: await created.promise };
}

describe('a slow client', () => {
  it('gets 408 after the request timeout', async () => {
    const { app, server } = await startWithServer();
    expect(server).toMatchObject({ headersTimeout: 20_000, requestTimeout: 30_000 });
    // The same checks with a shorter timeout.
    Object.assign(server, { headersTimeout: 100, requestTimeout: 200 });
    const replies = [
      ['GET /api/jobs HTTP/1.1', 'Host: localhost', 'X-Slow: '],
      [...HEAD, 'Content-Length: 100', '', '{"id":'],
      [...GRAPHQL, 'Content-Length: 100', '', '{"query":'],
    ].map(async (lines) => {
      const socket = await openSocket(app.url);
      socket.write(lines.join('\r\n'));
      return text(socket);
    });
    for (const reply of await Promise.all(replies))
      expect(reply).toMatch(/^HTTP\/1\.1 408 .*application\/problem\+json.*\/problems\/request-timeout"/s);
  });
});

describe('a client that disconnects in the middle of its request', () => {
  it('causes no warning or error in the log', async () => {
    const { settings, remove } = await createStore('postgres');
    onTestFinished(remove);
    const output = new PassThrough().setEncoding('utf8');
    let log = '';
    output.on('data', (chunk: string) => (log += chunk));
    const { url = '', end } = await startProcess({ settings: { ...settings, LOG_LEVEL: 'debug' }, output });
    for (const head of [HEAD, GRAPHQL]) {
      const socket = await openSocket(url);
      socket.write([...head, 'Content-Length: 100', '', '{"id":'].join('\r\n'));
      // A reply on a later connection shows that the server has read the head.
      await (await fetch(`${url}/api/jobs`)).text();
      socket.resetAndDestroy();
      await once(socket, 'close');
    }
    expect(await end('SIGTERM')).toBe(0);
    expect(log).not.toMatch(/"level":"(error|warn)"/);
  });
});
