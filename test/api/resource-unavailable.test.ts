import { describe, expect, it, onTestFinished } from 'vitest';
import { startAppForTest } from '../support/app.ts';
import { createStore } from '../support/stores.ts';
import { type TcpProxy, startTcpProxy } from '../support/tcp-proxy.ts';

describe('a resource whose database', () => {
  it.each<[string, (proxy: TcpProxy) => unknown]>([
    ['does not answer', (proxy) => proxy.freeze()],
    ['is unavailable', (proxy) => proxy.block()],
  ])('%s gets 503 with Retry-After on both APIs', async (_, fail) => {
    const store = await createStore('redis');
    onTestFinished(() => store.remove());
    const proxy = await startTcpProxy(store.settings.DATABASE_URL ?? '');
    onTestFinished(() => proxy.close());
    const app = await startAppForTest('redis', { DATABASE_URL: proxy.url }, { store });
    const rest = () => app.fetch('/api/customers/1');
    const graphql = () =>
      app.fetch('/graphql?query={customer(id:"1"){id}}', { headers: { Accept: 'application/graphql-response+json' } });
    // Opens the connections for both, which stay open.
    const before = await Promise.all([rest(), graphql()]);
    expect(before.map(({ status }) => status)).toEqual([404, 200]);

    fail(proxy);
    const [problem, error] = await Promise.all([rest(), graphql()]);
    expect([problem.status, error.status]).toEqual([503, 503]);
    expect([problem.headers.get('retry-after'), error.headers.get('retry-after')]).toEqual(['1', '1']);
    expect(await problem.json()).toMatchObject({ type: `${app.url}/problems/service-unavailable` });
    expect(await error.json()).toMatchObject({
      errors: [{ path: ['customer'], extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter: 1 } }],
    });
  });
});
