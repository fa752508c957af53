import { API_KEYS, bearer, clientOf, keyOf } from '../support/callers.ts';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { createLogger } from '../../src/observability/logger.ts';
import { createRateLimiter } from '../../src/queue/rate-limiter.ts';
import { ANONYMOUS } from '../../src/core/access/caller.ts';
import { rateLimitKey } from '../../src/http/rate-limit.ts';
import { startAppForTest } from '../support/app.ts';
import { poll } from '../support/follow.ts';
import { BACKENDS, createStore } from '../support/stores.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

const MAX = 10;
/** Longer than any test. */
const HOUR = { RATE_LIMIT: `${MAX}/1h` };
const JOB = '/api/jobs/book_AAAAAAAAAAAAAAAAAAAAAA';

function askGraphQL(url: string): Promise<Response> {
  return fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ query: '{ __typename }' }),
  });
}

/** Sends requests in sequence until a reply is 429, and resolves to the number of other replies. */
async function allowed(ask: (count: number) => Promise<Response>): Promise<number> {
  for (let count = 0; ; count += 1) if ((await ask(count)).status === 429) return count;
}

describe.each(BACKENDS)('RATE_LIMIT on %s', (backend) => {
  it('counts the requests to both APIs together, and states the remaining ones on each reply', async () => {
    const { url } = await startAppForTest(backend, HOUR);
    for (let count = 1; count <= MAX; count += 1) {
      const response = await (count % 2 === 0 ? askGraphQL(url) : fetch(url + JOB));
      expect(response.status).toBe(count % 2 === 0 ? 200 : 404);
      expect(response.headers.get('RateLimit-Policy')).toBe(`"default";q=${MAX};w=3600`);
      expect(response.headers.get('RateLimit')).toMatch(new RegExp(`^"default";r=${MAX - count};t=3[56]\\d\\d$`));
    }
  });

  it('refuses further requests with 429 in the format of each API', async () => {
    const app = await startAppForTest(backend, HOUR);
    // The app's `fetch` also compares the reply with the OpenAPI document, which it reads first.
    await app.fetch('/health/live');
    expect(await allowed(() => fetch(app.url + JOB))).toBe(MAX - 1);

    const onRest = await app.fetch(JOB);
    expect(onRest.status).toBe(429);
    expect(await onRest.json()).toMatchObject({
      type: expect.stringMatching(/\/problems\/rate-limited$/),
      status: 429,
    });
    const onGraphQL = await askGraphQL(app.url);
    expect(onGraphQL.status).toBe(429);
    expect(await onGraphQL.json()).toEqual({
      errors: [{ message: expect.any(String), extensions: { code: 'RATE_LIMITED', retryAfter: expect.any(Number) } }],
    });
    for (const { headers } of [onRest, onGraphQL]) {
      expect(Number(headers.get('Retry-After'))).toBeGreaterThan(3500);
      expect(headers.get('RateLimit')).toMatch(/^"default";r=0;t=3[56]\d\d$/);
    }
  });

  it('is documented wherever it is stated', async () => {
    const app = await startAppForTest(backend, HOUR);
    // Each reply is compared with the OpenAPI document.
    for (const path of ['/api/jobs', '/api/jobs?unknown=1', JOB, '/api/books/none', '/openapi.json']) {
      expect([path, (await app.fetch(path)).headers.has('RateLimit')]).toEqual([path, true]);
    }
    const submitted = await app.post('/api/books', { id: '1', title: 'Emma' });
    expect([submitted.status, submitted.headers.has('RateLimit-Policy')]).toEqual([202, true]);
  });

  it('does not apply to health checks and OPTIONS', async () => {
    const { url } = await startAppForTest(backend, HOUR);
    await allowed(() => fetch(url + JOB));
    for (const path of ['/health/live', '/health/ready']) {
      const { status, headers } = await fetch(url + path);
      expect([path, status, headers.get('RateLimit')]).toEqual([path, 200, null]);
    }
    expect((await fetch(url + JOB, { method: 'OPTIONS' })).status).toBe(204);
  });

  it('counts pages against the address, and locks nobody else out', async () => {
    const { url } = await startAppForTest(backend, { ...HOUR, API_KEYS, TRUST_PROXY: 'on' });
    const from = (address: string, path: string, headers: Record<string, string> = {}, method = 'GET') =>
      fetch(url + path, { method, headers: { ...headers, 'X-Forwarded-For': address } });
    const PAGES = ['/docs', '/openapi.json', '/problems', '/docs/assets/page.css'];
    expect(await allowed((count) => from('192.0.2.1', PAGES[count % PAGES.length] ?? ''))).toBe(MAX);
    for (let count = 0; count <= MAX; count += 1)
      await from('192.0.2.1', '/graphql', { 'Access-Control-Request-Method': 'POST' }, 'OPTIONS');
    const page = { Accept: 'text/html' };
    expect((await from('192.0.2.1', '/graphql', page)).status).toBe(429);
    expect((await from('192.0.2.2', '/graphql', page)).status).toBe(200);
    expect((await from('192.0.2.1', JOB, bearer(keyOf('ada')))).status).toBe(404);
  });

  it('counts wrong credentials against the address, and the right ones against their caller', async () => {
    const { url } = await startAppForTest(backend, { ...HOUR, API_KEYS });
    const wrong = [bearer('wrong'), { 'X-API-Key': 'wrong' }, {}, bearer('jk_wrong')];
    expect(await allowed((count) => fetch(url + JOB, { headers: wrong[count % wrong.length] ?? {} }))).toBe(MAX);
    const refused = await fetch(url + JOB, { headers: bearer('wrong') });
    expect([refused.status, refused.headers.has('Retry-After')]).toEqual([429, true]);
    expect((await fetch(url + JOB, { headers: bearer(keyOf('ada')) })).status).toBe(404);
  });

  it('is one limit for a caller and the access tokens of its jobs', async () => {
    const app = await startAppForTest(backend, { ...HOUR, API_KEYS });
    const here = { fetch: (path: string, init?: RequestInit) => fetch(app.url + path, init) };
    const ada = clientOf(here, bearer(keyOf('ada')));
    const tokens: Record<string, string>[] = [];
    for (let count = 0; count < 3; count += 1) {
      const { body } = await ada.rest('/api/books', { method: 'POST', body: { id: '1', title: 'Emma' } });
      const { accessToken, id } = z.object({ accessToken: z.string(), id: z.string() }).parse(body);
      tokens.push({ id, accessToken });
    }
    const used = await allowed((count) => {
      const { id = '', accessToken = '' } = tokens[count % tokens.length] ?? {};
      return fetch(`${app.url}/api/jobs/${id}`, { redirect: 'manual', headers: bearer(accessToken) });
    });
    expect(used).toBe(MAX - 3);
    expect((await ada.rest(JOB)).status).toBe(429);
    expect((await clientOf(here, bearer(keyOf('eve'))).rest(JOB)).status).toBe(404);
  });

  it('counts each root field of a GraphQL document', async () => {
    const app = await startAppForTest(backend, HOUR);
    const aliases = Array.from({ length: MAX + 5 }, (_, n) => `f${n}: cancelJob(id: "none") { id }`);
    const { body } = await clientOf(app).graphql(`mutation { ${aliases.join(' ')} }`);
    const codes = z
      .object({ errors: z.array(z.object({ extensions: z.object({ code: z.string() }) })) })
      .parse(body)
      .errors.map(({ extensions }) => extensions.code);
    expect(codes.filter((code) => code === 'NOT_FOUND')).toHaveLength(MAX);
    expect(codes.filter((code) => code === 'RATE_LIMITED')).toHaveLength(5);
    expect((await askGraphQL(app.url)).status).toBe(429);
  });

  it('counts each address separately, as a trusted proxy reports it', async () => {
    const { url } = await startAppForTest(backend, { ...HOUR, TRUST_PROXY: 'on' });
    const from = (address: string) => fetch(url + JOB, { headers: { 'X-Forwarded-For': address } });
    // Some proxies add a port, another one for each connection.
    expect(await allowed((count) => from(count % 2 === 0 ? '192.0.2.1' : `192.0.2.1:${count}`))).toBe(MAX);
    expect((await from('[2001:db8::1]:1')).status).toBe(404);
    expect((await from('192.0.2.2')).status).toBe(404);
  });

  it('ignores an address that a client claims', async () => {
    const { url } = await startAppForTest(backend, HOUR);
    expect(await allowed((count) => fetch(url + JOB, { headers: { 'X-Forwarded-For': `192.0.2.${count}` } }))).toBe(
      MAX,
    );
  });
});

describe.each(['redis', 'postgres'] as const)('RATE_LIMIT of two processes on %s', (backend) => {
  it('is shared', async () => {
    const store = await createStore(backend);
    onTestFinished(() => store.remove());
    // On a busy machine the store may take longer than the product waits for it.
    const options = { store, role: 'api', limits: { countMs: 10_000 } } as const;
    const first = await startAppForTest(backend, HOUR, options);
    const second = await startAppForTest(backend, HOUR, options);
    expect(await allowed((count) => fetch((count % 2 === 0 ? first : second).url + JOB))).toBe(MAX);
    expect((await fetch(first.url + JOB)).status).toBe(429);
    expect((await fetch(second.url + JOB)).status).toBe(429);
  });

  it('applies to each process separately while the store is unavailable, and no request fails', async () => {
    const store = await createStore(backend);
    onTestFinished(() => store.remove());
    const proxy = await startTcpProxy(store.settings.QUEUE_URL ?? '');
    onTestFinished(() => proxy.close());
    const settings = { ...store.settings, QUEUE_URL: proxy.url };
    const app = await startAppForTest(backend, HOUR, { store: { settings, remove: () => undefined }, role: 'api' });
    const unblock = proxy.block();
    onTestFinished(unblock);
    const statuses = new Set<number>();
    const count = await allowed(async () => {
      const response = await askGraphQL(app.url);
      statuses.add(response.status);
      return response;
    });
    expect(count).toBe(MAX);
    expect([...statuses]).toEqual([200, 429]);
  });
});

describe('RATE_LIMIT', () => {
  it('is off by default', async () => {
    const { url } = await startAppForTest('redis');
    const { headers } = await fetch(url + JOB);
    expect(headers.get('RateLimit')).toBeNull();
    expect(headers.get('RateLimit-Policy')).toBeNull();
  });

  it('admits a caller again when the period is over', async () => {
    const { url } = await startAppForTest('redis', { RATE_LIMIT: '1/1s' });
    await allowed(() => fetch(url + JOB));
    const response = await poll(
      () => fetch(url + JOB),
      ({ status }) => status !== 429,
    );
    expect(response.status).toBe(404);
  });
});

describe('the counts of one process', () => {
  it('are bounded, whatever number of addresses there are', async () => {
    const limiter = createRateLimiter(
      { createRequestCounter: () => undefined },
      { requests: 1, seconds: 3600 },
      createLogger('silent'),
    );
    expect([(await limiter.take('first')).allowed, (await limiter.take('first')).allowed]).toEqual([true, false]);
    for (let key = 0; key < 200_000; key += 1) {
      await limiter.take(`ip:${key}`);
      await limiter.take(`ip:${key}`);
    }
    expect((await limiter.take('first')).allowed).toBe(true);
  });
});

describe('the key of the rate limit', () => {
  it.each([
    ['192.0.2.1', 'ip:192.0.2.1'],
    ['::ffff:192.0.2.1', 'ip:192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', 'ip:2001:db8:1:2'],
    ['2001:db8:1:2::6', 'ip:2001:db8:1:2'],
    ['2001:db8::6', 'ip:2001:db8:0:0'],
    ['2001:0DB8:0000::6', 'ip:2001:db8:0:0'],
    ['fe80::1%eth0', 'ip:fe80:0:0:0'],
    ['::1', 'ip:0:0:0:0'],
  ])('for the address %s is %s', (ip, key) => {
    for (const caller of [ANONYMOUS.id, undefined]) expect(rateLimitKey(caller, ip)).toBe(key);
  });

  it('is the caller id if the caller is authenticated', () => {
    expect(rateLimitKey('key:shop', '192.0.2.1')).toBe('caller:key:shop');
  });
});
