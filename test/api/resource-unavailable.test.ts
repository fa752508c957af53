import { describe, expect, it, onTestFinished } from 'vitest';
import { startAppForTest } from '../support/app.ts';
import { poll } from '../support/follow.ts';
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
    const rest = () => app.fetch('/api/books/1');
    const graphql = () =>
      app.fetch('/graphql?query={book(id:"1"){id}}', { headers: { Accept: 'application/graphql-response+json' } });
    // Opens the connections for both, which stay open.
    const before = await Promise.all([rest(), graphql()]);
    expect(before.map(({ status }) => status)).toEqual([404, 200]);

    fail(proxy);
    const [problem, error] = await Promise.all([rest(), graphql()]);
    expect([problem.status, error.status]).toEqual([503, 503]);
    expect([problem.headers.get('retry-after'), error.headers.get('retry-after')]).toEqual(['1', '1']);
    expect(await problem.json()).toMatchObject({ type: `${app.url}/problems/service-unavailable` });
    expect(await error.json()).toMatchObject({
      errors: [{ path: ['book'], extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter: 1 } }],
    });
  });
});

describe('a database that jobs need', () => {
  it('may be unavailable: the server is ready, also when it starts then, and jobs are accepted and wait without using up attempts', async () => {
    const store = await createStore('redis');
    onTestFinished(() => store.remove());
    const proxy = await startTcpProxy(store.settings.DATABASE_URL ?? '');
    onTestFinished(() => proxy.close());
    let unblock = proxy.block();
    const app = await startAppForTest('redis', { DATABASE_URL: proxy.url, LOG_LEVEL: 'silent' }, { store });
    const submit = async (id: string) => {
      expect((await app.fetch('/health/ready')).status).toBe(200);
      const reply = await app.post('/api/books', { id, title: 'Emma' });
      expect(reply.status).toBe(202);
      return `${reply.headers.get('location')}?onComplete=status`;
    };
    const finish = async (url: string) => {
      const job = await poll(
        async () => (await app.fetch(url)).json(),
        ({ done }) => done,
      );
      expect(job).toMatchObject({ status: 'Succeeded', attempt: 1, history: [] });
    };
    const atStart = await submit('1');
    unblock();
    await finish(atStart);
    unblock = proxy.block();
    const later = await submit('2');
    await poll(
      async () => (await app.fetch(later)).json(),
      ({ status, message }) => status === 'Pending' && /cannot be reached/.test(message),
    );
    unblock();
    await finish(later);
  });
});
