import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PROBLEMS, type ProblemName } from '../../src/core/errors.ts';
import { type TestApp, startApp, startAppForTest } from '../support/app.ts';
import book from '../support/jobs/library/book.ts';
import { problemExamples } from '../../src/rest/openapi/examples.ts';
import { API_KEYS, bearer, keyOf } from '../support/callers.ts';
import { poll } from '../support/follow.ts';
import { startScriptedApp } from '../support/scripted-app.ts';

const BOOK = { id: '42', title: 'Jane Eyre' };

/** The examples of these use the constants that the server sends; other tests cause these problems. */
const FROM_CONSTANTS: ReadonlySet<string> = new Set([
  'request-timeout',
  'quota-exceeded',
  'range-not-satisfiable',
  'rate-limited',
  'internal-error',
  'queue-unavailable',
  'service-unavailable',
]);

const shownSchema = z.looseObject({ type: z.string(), instance: z.string().optional() });

/** Examples in the document and on the pages equal real replies. */
describe('the example of a problem', () => {
  let open: TestApp;
  let closed: TestApp;
  beforeAll(async () => {
    [open, closed] = await Promise.all([
      startApp('redis', { QUEUE_MAX_DEPTH: '1' }, { role: 'api' }),
      startApp('redis', { API_KEYS }, { role: 'api' }),
    ]);
  });
  afterAll(() => Promise.all([open.close(), closed.close()]));

  const post = (app: TestApp, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    app.fetch(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });

  /** A pending job of `open`, whose queue is full with it. */
  async function pending(): Promise<string> {
    const { id } = await (await post(open, '/api/books', BOOK, { 'Idempotency-Key': '"pending"' })).json();
    return `/api/jobs/${id}`;
  }

  /** A failed job of a separate server, and a request for it. */
  async function failed(method: string, path: string): Promise<Response> {
    const app = await startScriptedApp({
      backend: 'embedded',
      run: async () => {
        throw new TypeError('a bug');
      },
    });
    app.startWorker();
    const id = await app.submit();
    await poll(
      () => app.fetch(`/api/jobs/${id}`),
      ({ status }) => status === 303,
    );
    return app.fetch(`/api/jobs/${id}${path}`, { method });
  }

  /** A job of another server, which keeps jobs for a second. */
  async function expiredJob(): Promise<Response> {
    const app = await startAppForTest('redis', { JOB_RETENTION_SECONDS: '1' });
    const { id } = await (await post(app, '/api/books', BOOK)).json();
    return poll(
      () => app.fetch(`/api/jobs/${id}`),
      ({ status }) => status > 303,
    );
  }

  const CAUSES: Readonly<Partial<Record<ProblemName, () => Promise<Response>>>> = {
    'invalid-input': () => post(open, '/api/books', { id: '42' }),
    'malformed-request': () => post(open, '/api/books', '{'),
    unauthenticated: () => post(closed, '/api/books', BOOK),
    forbidden: () => post(closed, '/api/books', BOOK, bearer(keyOf('reader'))),
    'not-found': () => open.fetch('/api/jobs/none'),
    'result-not-ready': async () => open.fetch(`${await pending()}/result`),
    'method-not-allowed': () => open.fetch('/api/jobs', { method: 'PUT' }),
    'not-acceptable': () => open.fetch('/api/jobs', { headers: { Accept: 'text/html' } }),
    'not-retryable': async () => open.fetch(`${await pending()}/retry`, { method: 'POST' }),
    'too-large': () => post(open, '/api/books', `"${'x'.repeat(2 * 1024 * 1024)}"`),
    'unsupported-media-type': () => post(open, '/api/books', 'x', { 'Content-Type': 'text/plain' }),
    'precondition-failed': async () => open.fetch(await pending(), { headers: { 'If-Match': '"another"' } }),
    'header-too-large': () =>
      open.fetch('/api/jobs', {
        headers: Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`X-${index}`, 'x'])),
      }),
    // The app's own `fetch` compares replies with the document, which does not have this method.
    'not-implemented': () => fetch(`${open.url}/api/jobs`, { method: 'PROPFIND' }),
    'queue-full': async () => {
      await pending();
      return post(open, '/api/books', BOOK);
    },
    'idempotency-key-reused': async () => {
      await pending();
      return post(open, '/api/books', { ...BOOK, id: '43' }, { 'Idempotency-Key': '"pending"' });
    },
    'job-canceled': async () => {
      const job = await pending();
      await open.fetch(job, { method: 'DELETE' });
      return open.fetch(`${job}/result`);
    },
    expired: expiredJob,
    'job-failed': () => failed('GET', '/result'),
    'not-cancelable': () => failed('DELETE', ''),
  };

  it.each(Object.entries(CAUSES))('equals the reply of the server: %s', async (name, cause) => {
    const response = await cause();
    const sent = await response.json();
    const { type, instance = sent.instance, ...shown } = shownSchema.parse(problemExamples([book])[name]?.value);
    expect(sent).toEqual({ ...shown, type: new URL(new URL(type).pathname, response.url).href, instance });
  });

  it('exists for every problem, from a reply or from a constant', () => {
    expect([...Object.keys(CAUSES), ...FROM_CONSTANTS].toSorted()).toEqual(Object.keys(PROBLEMS).toSorted());
  });
});
