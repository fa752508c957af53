import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, startApp } from '../support/app.ts';

/** A list of several jobs, to exceed 1 KiB. */
const LIST = '/api/jobs?limit=5';
const SCHEMA = `/graphql?query=${encodeURIComponent('{ __schema { types { name description } } }')}`;
const JOBS = `/graphql?query=${encodeURIComponent('{ jobs(first: 5) { edges { node { id type status statusUrl createdAt lastUpdatedAt } } } }')}`;

describe('compression', () => {
  let app: TestApp;
  let id: string;
  beforeAll(async () => {
    app = await startApp('redis');
    for (let index = 0; index < 5; index += 1) {
      const response = await app.fetch('/api/books', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Prefer: 'wait=30' },
        body: JSON.stringify({ id: `c${index}`, title: 'Jane Eyre' }),
      });
      id = /jobs\/(.*)$/.exec(response.headers.get('location') ?? '')?.[1] ?? '';
    }
  });
  afterAll(() => app.close());

  it.each(['/docs/assets/swagger-ui-bundle.js', '/openapi.json', '/docs', '/problems', '/graphql'])(
    'sends %s once to a client that keeps it',
    async (path) => {
      const headers = { Accept: path === '/graphql' ? 'text/html' : '*/*' };
      const plain = await get(path, 'identity', headers);
      const packed = await get(path, 'br', headers);
      const [tag = '', packedTag = ''] = [plain, packed].map((response) => response.headers.get('etag') ?? undefined);
      expect(tag).toMatch(/^"[\w-]{22}"$/);
      if (packed.headers.has('content-encoding')) expect(packedTag).not.toBe(tag);
      await Promise.all([plain.text(), packed.text()]);
      for (const [coding, known] of [
        ['identity', tag],
        ['br', `W/${packedTag}`],
      ] as const) {
        const again = await get(path, coding, { ...headers, 'If-None-Match': `"other", ${known}` });
        expect(again.status).toBe(304);
        expect(await again.text()).toBe('');
      }
    },
  );

  const get = (path: string, encodings: string, headers: Record<string, string> = {}, method = 'GET') =>
    app.fetch(path, { method, headers: { 'Accept-Encoding': encodings, ...headers } });

  it.each([
    ['a list', LIST],
    ['the document', '/openapi.json'],
    ['a script of a page', '/docs/assets/swagger-ui-bundle.js'],
    ['a page', '/problems'],
    ['GraphiQL', '/graphql'],
    ['GraphQL', JOBS],
    ['GraphQL by Yoga', SCHEMA],
  ])('compresses replies above 1 KiB for clients that accept it, without changing them: %s', async (_, path) => {
    const headers = { Accept: path === '/graphql' ? 'text/html' : '*/*' };
    const plain = await get(path, 'identity', headers);
    expect(plain.headers.get('content-encoding')).toBeNull();
    const text = await plain.text();
    expect(text.length).toBeGreaterThan(1024);
    for (const coding of ['gzip', 'br']) {
      const compressed = await get(path, coding, headers);
      expect(compressed.headers.get('content-encoding')).toBe(coding);
      expect(compressed.headers.get('vary')?.toLowerCase()).toContain('accept-encoding');
      expect(await compressed.text()).toBe(text);
    }
  });

  it('does not apply to replies of 1 KiB or less', async () => {
    for (const path of [`/api/jobs/${id}?onComplete=status`, '/health/live', '/graphql?query={__typename}']) {
      const response = await get(path, 'gzip');
      expect((await response.arrayBuffer()).byteLength).toBeLessThan(1024);
      expect(response.headers.get('content-encoding')).toBeNull();
    }
  });

  it('does not apply to event streams, which it would delay', async () => {
    const events = await get(`/api/jobs/${id}/events`, 'gzip');
    expect(events.headers.get('content-encoding')).toBeNull();
    expect(await events.text()).toContain('"Succeeded"');
    const subscription = await get(
      `/graphql?query=${encodeURIComponent(`subscription { jobUpdates(id: "${id}") { status } }`)}`,
      'gzip',
      { Accept: 'text/event-stream' },
    );
    expect(subscription.headers.get('content-encoding')).toBeNull();
    expect(await subscription.text()).toContain('SUCCEEDED');
  });

  it('leaves HEAD without a body, and 304 without a coding', async () => {
    const head = await get(LIST, 'gzip', {}, 'HEAD');
    expect(head.status).toBe(200);
    expect(await head.text()).toBe('');
    const first = await get(`/api/jobs/${id}/result`, 'gzip');
    const tag = first.headers.get('etag') ?? '';
    const again = await get(`/api/jobs/${id}/result`, 'gzip', { 'If-None-Match': tag });
    expect([again.status, again.headers.get('etag'), again.headers.get('content-encoding')]).toEqual([304, tag, null]);
  });
});
