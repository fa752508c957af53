import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type TestApp, startApp, startAppForTest } from '../support/app.ts';
import { poll } from '../support/follow.ts';
import { createGate } from '../support/gate.ts';
import { script } from '../support/jobs/scripted/scripted.ts';
import { startProcess } from '../support/process.ts';
import { createStore } from '../support/stores.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');
const post = (url: string | undefined, path: string, body: object): Promise<Response> =>
  fetch(new URL(path, url), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/graphql-response+json, application/json' },
    body: JSON.stringify(body),
  });

/** The contract's section on accepting, sentence by sentence; the tests of the queue cover the rest of it. */
describe('a submission', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp('redis', { JOBS_DIR });
  });
  afterAll(() => app.close());

  it.each([
    ['an unknown field', { text: 'a', colour: 'red' }, '#/colour'],
    ['a missing field', {}, '#/text'],
    ['another type', { text: 1 }, '#/text'],
  ])('is validated by the schema of its job type before it is accepted: %s', async (_, body, pointer) => {
    const response = await app.post('/api/scripted-jobs', body);
    expect(response.status).toBe(400);
    const problem = await response.json();
    expect(problem).toMatchObject({ type: `${app.url}/problems/invalid-input`, errors: [{ pointer }] });
    expect((await (await app.fetch('/api/jobs')).json()).items).toEqual([]);
  });

  it('gets a Retry-After of the recent duration of such jobs, and at least 1 second', async () => {
    const store = await createStore('postgres');
    onTestFinished(() => store.remove());
    const working = await startAppForTest('postgres', { JOBS_DIR }, { store });
    const gate = createGate();
    script('slow', async () => {
      await gate.pass();
      return { text: 'slow' };
    });
    const accepted = await working.post('/api/scripted-jobs', { text: 'slow' });
    expect(accepted.headers.get('retry-after')).toBe('1');
    const path = new URL(accepted.headers.get('location') ?? '').pathname;
    await gate.reached;
    // The job takes two seconds, the time for which this reply is held.
    expect((await working.fetch(path, { headers: { Prefer: 'wait=2' } })).status).toBe(202);
    gate.open();
    expect((await working.fetch(`${path}?onPending=synchronous`)).status).toBe(303);
    await working.close();

    // Without a worker, the next job stays pending.
    const api = await startAppForTest('postgres', { JOBS_DIR }, { role: 'api', store });
    const next = await api.post('/api/scripted-jobs', { text: 'slow' });
    const asked = await poll(
      () => api.fetch(new URL(next.headers.get('location') ?? '').pathname),
      (response) => response.headers.get('retry-after') !== '1',
    );
    expect(asked.headers.get('retry-after')).toMatch(/^[23]$/);
    expect((await asked.json()).retryAfter).toBe(Number(asked.headers.get('retry-after')));
  });
});

describe('while the queue is unavailable', () => {
  it('a submission that was accepted before, and waits for its result, still gets 202', async () => {
    const store = await createStore('redis');
    onTestFinished(() => store.remove());
    const proxy = await startTcpProxy(store.settings.QUEUE_URL ?? '');
    onTestFinished(() => proxy.close());
    const behind = { remove: () => undefined, settings: { ...store.settings, QUEUE_URL: proxy.url } };
    const api = await startAppForTest('redis', { JOBS_DIR }, { role: 'api', store: behind });
    const elsewhere = await startAppForTest('redis', { JOBS_DIR }, { role: 'api', store });
    const waited = api.fetch('/api/scripted-jobs', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Prefer: 'wait=10' },
      body: JSON.stringify({ text: 'a' }),
    });
    await poll(
      async () => (await (await elsewhere.fetch('/api/jobs')).json()).items,
      (items) => items.length === 1,
    );
    proxy.block();
    expect((await waited).status).toBe(202);
  });

  it.each(['redis', 'postgres'] as const)(
    'a submission gets 503 in time, even if %s accepts connections and never replies',
    async (backend) => {
      const { settings, remove } = await createStore(backend);
      onTestFinished(remove);
      const proxy = await startTcpProxy(settings.QUEUE_URL ?? '');
      onTestFinished(() => proxy.close());
      const server = await startProcess({ settings: { ...settings, QUEUE_URL: proxy.url } });
      const submit = () => post(server.url, '/api/books', { id: '1', title: 'Emma' });
      expect((await submit()).status).toBe(202);
      const thaw = proxy.freeze();
      const refused = await submit();
      expect(refused.status).toBe(503);
      expect(refused.headers.get('retry-after')).toBe('1');
      thaw();
      const accepted = await poll(submit, ({ status }) => status !== 503);
      expect(accepted.status).toBe(202);
    },
  );

  it('a submission gets 503 with Retry-After on both APIs, even in the first second after the start, and is accepted once the queue is back', async () => {
    const { settings, remove } = await createStore('redis');
    onTestFinished(remove);
    const proxy = await startTcpProxy(settings.QUEUE_URL ?? '');
    onTestFinished(() => proxy.close());
    const unblock = proxy.block();
    const server = await startProcess({ settings: { ...settings, QUEUE_URL: proxy.url } });

    const rest = await post(server.url, '/api/books', { id: '1', title: 'Emma' });
    expect(rest.status).toBe(503);
    expect(rest.headers.get('retry-after')).toBe('1');
    expect(await rest.json()).toMatchObject({ type: `${server.url}/problems/queue-unavailable` });
    const query = 'mutation { submitBook(input: { id: "1", title: "Emma" }) { jobId } }';
    const graphql = await post(server.url, '/graphql', { query });
    expect(graphql.status).toBe(503);
    expect(graphql.headers.get('retry-after')).toBe('1');
    expect(await graphql.json()).toMatchObject({ errors: [{ extensions: { code: 'QUEUE_UNAVAILABLE' } }] });

    unblock();
    const accepted = await poll(
      () => post(server.url, '/api/books', { id: '1', title: 'Emma' }),
      ({ status }) => status !== 503,
    );
    expect(accepted.status).toBe(202);
  });
});
