import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTrust } from '../../src/http/host.ts';
import { type TestApp, startApp, startAppForTest } from '../support/app.ts';
import { sendRaw } from '../support/raw-http.ts';

const EVIL = 'evil.example.com';
const SUBMISSION = '{"id":"1","title":"Emma"}';

/** Sends a request with this head, and reads the reply until the server closes the connection. */
const get = (url: string, path: string, ...head: string[]): Promise<string> =>
  sendRaw(url, [`GET ${path} HTTP/1.1`, ...head, 'Connection: close']);

const submit = (url: string, ...head: string[]): Promise<string> =>
  sendRaw(url, [
    'POST /api/books HTTP/1.1',
    ...head,
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${SUBMISSION.length}`,
    '',
    SUBMISSION,
  ]);

describe('a Host', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp('redis', { TRUST_PROXY: '10.0.0.0/8' });
  });
  afterAll(() => app.close());

  it.each([
    ['/api/jobs', 200],
    ['/graphql?query={__typename}', 200],
    ['/graphql?query={nope}', 200],
    ['/health/live', 200],
    ['/nothing?a=http://x', 404],
    ['', 302],
    ['?a=b', 302],
  ])('may be in the request target, as a client of a proxy sends it: %s', async (path, status) => {
    const reply = await get(app.url, `http://localhost${path}`, 'Host: other.example.com');
    expect(reply).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(reply).not.toMatch(/other\.example|node_modules|at .*\.js/);
    if (path.startsWith('/api')) {
      const refused = await get(app.url, `http://${EVIL}${path}`, 'Host: localhost');
      expect(refused).toMatch(/^HTTP\/1\.1 400 .*not a name of this server/s);
      expect(await get(app.url, `HTTP://user:word@localhost${path}`, 'Host: localhost')).toMatch(/^HTTP\/1\.1 400 /);
    }
  });

  it.each(['/graphql/?query={__typename}', '/%67raphql?query={__typename}'])(
    'gets GraphQL by each spelling of its path: %s',
    async (path) => {
      expect(await get(app.url, path, 'Host: localhost')).toMatch(/^HTTP\/1\.1 200 .*{"data":{"__typename":"Query"}}/s);
    },
  );

  it.each(['*', 'ftp://localhost/', 'http://', 'http:///api/jobs', '//', 'x'])(
    'gets a problem, and no error page of a library, for the target %s',
    async (target) => {
      for (const method of ['GET', 'OPTIONS', 'POST']) {
        const reply = await sendRaw(app.url, [`${method} ${target} HTTP/1.1`, 'Host: localhost', 'Connection: close']);
        expect(reply).toMatch(/^HTTP\/1\.1 (4\d\d .*application\/problem\+json|302|204)/s);
      }
    },
  );

  it.each(['localhost', 'LocalHost:4000', '127.0.0.1', '127.0.0.1:80', '[::1]:4000'])(
    'that names this machine is used in URLs, on a local connection: %s',
    async (host) => {
      const reply = await submit(app.url, `Host: ${host}`);
      expect(reply).toMatch(/^HTTP\/1\.1 202 /);
      expect(reply).toContain(`http://${host}/api/jobs/book_`);
    },
  );

  it.each([
    EVIL,
    `${EVIL}:4000`,
    'localhost.evil.example.com',
    '127.0.0.1.evil.example.com',
    '127.0.0.2',
    '10.0.0.1',
    '0.0.0.0',
    '[::]',
    '2130706433',
    'localhost.',
    'localhost:99999',
    'user@localhost',
    'localhost/evil',
    'a b',
    '<script>',
    '',
  ])('that does not name the server is refused, and is in no URL: "%s"', async (host) => {
    for (const path of [
      '/api/jobs',
      '/graphql?query={__typename}',
      '/openapi.json',
      '/api/jobs/%zz',
      '/nothing',
      '/docs',
    ]) {
      const reply = await get(app.url, path, `Host: ${host}`);
      expect(reply).toMatch(/^HTTP\/1\.1 400 /);
      if (host !== '') expect(reply).not.toContain(`//${host}`);
    }
    const reply = await submit(app.url, `Host: ${host}`);
    expect(reply).toMatch(/^HTTP\/1\.1 400 /);
    expect(reply).toContain('"type":"/problems/malformed-request"');
    if (host === EVIL) expect(reply).toContain('PUBLIC_URL');
  });

  it('that is missing or repeated is refused with a reason', async () => {
    const twice = await get(app.url, '/api/jobs', 'Host: localhost', `Host: ${EVIL}`);
    expect(twice).toMatch(/^HTTP\/1\.1 400 .*more than one Host/s);
    const without = await get(app.url, '/api/jobs');
    expect(without).toMatch(/^HTTP\/1\.1 400 .*The Host header is missing/s);
    const old = await sendRaw(app.url, ['GET /api/jobs HTTP/1.0']);
    expect(old).toMatch(/^HTTP\/1\.1 400 .*The Host header is missing/s);
  });

  it.each([EVIL, 'a b', '<script>', ''])('of any kind is accepted by health checks: "%s"', async (host) => {
    expect(await get(app.url, '/health/live', `Host: ${host}`)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('that is forwarded is used only from a trusted proxy', async () => {
    const forwarded = ['Host: localhost', `X-Forwarded-Host: ${EVIL}`, 'X-Forwarded-Proto: https'];
    const untrusted = await submit(app.url, ...forwarded);
    expect(untrusted).toMatch(/^HTTP\/1\.1 202 /);
    expect(untrusted).not.toContain(EVIL);
    const trusting = await startAppForTest('redis', { TRUST_PROXY: '127.0.0.0/8' });
    expect(await submit(trusting.url, ...forwarded)).toContain(`https://${EVIL}/api/jobs/book_`);
    expect(await submit(trusting.url, 'Host: localhost', 'X-Forwarded-Host: a b')).toMatch(/^HTTP\/1\.1 400 /);
    const notEncoded = await get(trusting.url, '/api/jobs/%zz', `Host: ${EVIL}`, 'X-Forwarded-Host: api.example.com');
    expect(notEncoded).toMatch(/^HTTP\/1\.1 400 /);
    expect(notEncoded).not.toContain(EVIL);
    // A proxy that passes the client's Host on has not verified it.
    expect(await submit(trusting.url, `Host: ${EVIL}`)).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('with PUBLIC_URL', () => {
  it('no URL contains the Host, which HTTP/1.0 may omit', async () => {
    const app = await startAppForTest('redis', { PUBLIC_URL: 'https://api.example.com/v1' });
    const reply = await submit(app.url, `Host: ${EVIL}`);
    expect(reply).toMatch(/^HTTP\/1\.1 202 /);
    expect(reply).toContain('location: https://api.example.com/v1/api/jobs/book_');
    expect(reply).not.toContain(EVIL);
    expect(await get(app.url, '/openapi.json', `Host: ${EVIL}`)).not.toContain(EVIL);
    expect(await sendRaw(app.url, ['GET /api/jobs HTTP/1.0'])).toMatch(/^HTTP\/1\.1 200 /);
    expect(await get(app.url, '/api/jobs')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await get(app.url, '/api/jobs', 'Host: a b')).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('a server that listens on all addresses', () => {
  // AUTH=none only allows the server to bind to all addresses.
  const settings = { HOST: '0.0.0.0', AUTH: 'none' };
  const [outside] = Object.values(networkInterfaces()).flatMap((all) =>
    (all ?? []).filter(({ internal, family }) => !internal && family === 'IPv4'),
  );

  it.skipIf(outside === undefined)('accepts only the address of the connection as Host', async () => {
    const { address = '' } = outside ?? {};
    const app = await startAppForTest('redis', settings);
    const url = `http://${address}:${new URL(app.url).port}`;
    expect(await submit(url, `Host: ${address}:1`)).toContain(`http://${address}:1/api/jobs/book_`);
    // On a remote connection, these names mean the client's machine.
    for (const host of ['localhost', '127.0.0.1', '0.0.0.0'])
      expect(await submit(url, `Host: ${host}`)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('accepts the name in HOST', async () => {
    const app = await startAppForTest('redis', { HOST: 'localhost' });
    expect(await submit(app.url, 'Host: LOCALHOST')).toMatch(/^HTTP\/1\.1 202 /);
  });
});

describe('TRUST_PROXY', () => {
  it.each([
    [true, '203.0.113.9', true],
    [false, '127.0.0.1', false],
    [['127.0.0.1'], '127.0.0.1', true],
    [['127.0.0.1'], '::ffff:127.0.0.1', true],
    [['127.0.0.1'], '127.0.0.2', false],
    [['10.0.0.0/8', '::1'], '10.255.0.1', true],
    [['10.0.0.0/8', '::1'], '11.0.0.1', false],
    [['10.0.0.0/8', '::1'], '::1', true],
    [['fd00::/8'], 'fd12::1', true],
    [['fd00::/8'], undefined, false],
  ])('%j trusts %s: %s', (trusted, address, expected) => {
    expect(createTrust(trusted)(address)).toBe(expected);
  });
});
