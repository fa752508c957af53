import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestApp, startApp, startAppForTest } from '../support/app.ts';
import { poll } from '../support/follow.ts';

describe('the REST API', () => {
  let app: TestApp;
  /** Finished jobs by their outcome. */
  const done = { succeeded: '', failed: '', withoutResource: '' };

  const submit = async (collection: string, body: object): Promise<string> => {
    const response = await app.post(`/api/${collection}`, body);
    const { id } = await response.json();
    await poll(
      () => app.fetch(`/api/jobs/${id}`),
      (answer) => answer.status === 303,
    );
    return id;
  };

  beforeAll(async () => {
    app = await startApp('redis');
    done.succeeded = await submit('books', { id: '42', title: 'Jane Eyre' });
    done.failed = await submit('books', { id: '43', title: 'Nobody', isbn: 'none' });
    done.withoutResource = await submit('book-imports', { books: [{ id: '44', title: 'War and Peace' }] });
  });
  afterAll(() => app.close());

  it('a done job is 303 to its resource, with the job as the body', async () => {
    const response = await app.fetch(`/api/jobs/${done.succeeded}`);
    expect(response.status).toBe(303);
    expect(response.headers.get('location')).toBe(`${app.url}/api/books/42`);
    expect(await response.json()).toMatchObject({
      id: done.succeeded,
      type: 'book',
      status: 'Succeeded',
      done: true,
      percentComplete: 100,
      attempt: 1,
      maxAttempts: 3,
      error: null,
      statusUrl: `${app.url}/api/jobs/${done.succeeded}`,
      resultUrl: `${app.url}/api/jobs/${done.succeeded}/result`,
      resourceUrl: `${app.url}/api/books/42`,
      retryAfter: null,
    });
  });

  it('a job without a resource, or one that failed, is 303 to its result', async () => {
    for (const id of [done.withoutResource, done.failed]) {
      const response = await app.fetch(`/api/jobs/${id}`);
      expect(response.status).toBe(303);
      expect(response.headers.get('location')).toBe(`${app.url}/api/jobs/${id}/result`);
    }
  });

  it('a client that only follows redirects ends at the book', async () => {
    const response = await app.fetch(`/api/jobs/${done.succeeded}`, { redirect: 'follow' });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ id: '42', title: 'Jane Eyre' });
  });

  it.each(['onComplete=stream', 'OnComplete=Stream', 'ONCOMPLETE=STREAM'])(
    '?%s gets 200 with the result',
    async (query) => {
      const response = await app.fetch(`/api/jobs/${done.succeeded}?${query}`);
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ id: '42', title: 'Jane Eyre' });
    },
  );

  it('?onComplete=status gets 200 with the job', async () => {
    const response = await app.fetch(`/api/jobs/${done.failed}?onComplete=status`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: 'Failed', done: true, error: { code: 'INVALID_ISBN' } });
  });

  it.each(['onPending=later', 'onComplete='])('?%s gets a 400 that names the parameter', async (query) => {
    const response = await app.fetch(`/api/jobs/${done.succeeded}?${query}`);
    expect(response.status).toBe(400);
    const problem = await response.json();
    expect(problem.errors[0].pointer).toBe(`#/${query.split('=')[0]}`);
  });

  it('the result of a failed job is a 422 problem with the cause', async () => {
    for (const path of [`/api/jobs/${done.failed}/result`, `/api/jobs/${done.failed}?onComplete=stream`]) {
      const response = await app.fetch(path);
      expect(response.status).toBe(422);
      expect(response.headers.get('content-type')).toContain('application/problem+json');
      const problem = await response.json();
      expect(problem).toMatchObject({ type: `${app.url}/problems/job-failed`, status: 422 });
      expect(problem.detail).toContain('INVALID_ISBN');
    }
  });

  it.each(['/api/jobs/book_AAAAAAAAAAAAAAAAAAAAAA', '/api/jobs/x/result', '/api/books/none', '/api/nothing', '/'])(
    'an unknown path is a 404 problem: %s',
    async (path) => {
      const response = await (path === '/' ? app.fetch(path, { method: 'DELETE' }) : app.fetch(path));
      expect(response.status).toBe(404);
      expect(response.headers.get('content-type')).toContain('application/problem+json');
      expect(await response.json()).toMatchObject({
        type: `${app.url}/problems/not-found`,
        status: 404,
        instance: path,
      });
    },
  );

  it('reports that it is live and ready', async () => {
    for (const path of ['/health/live', '/health/ready']) expect((await app.fetch(path)).status).toBe(200);
  });
});

describe('a job that is not done', () => {
  it('is 202 with Retry-After, 200 with onPending=ok, and has no result yet', async () => {
    // Without a worker, the job stays pending.
    const app = await startAppForTest('postgres', {}, { role: 'api' });
    const accepted = await app.post('/api/books', { id: '1', title: 'Emma' });
    const { id } = await accepted.json();

    const pending = await app.fetch(`/api/jobs/${id}`);
    expect(pending.status).toBe(202);
    expect(pending.headers.get('retry-after')).toBe('1');
    expect(await pending.json()).toMatchObject({
      id,
      status: 'Pending',
      done: false,
      resultUrl: null,
      resourceUrl: null,
    });

    const ok = await app.fetch(`/api/jobs/${id}?OnPending=OK`);
    expect(ok.status).toBe(200);
    expect(ok.headers.get('retry-after')).toBe('1');

    const result = await app.fetch(`/api/jobs/${id}/result`);
    expect(result.status).toBe(404);
    expect(result.headers.get('retry-after')).toBe('1');
    expect(await result.json()).toMatchObject({ type: `${app.url}/problems/result-not-ready` });
  });
});

describe('settings of the APIs', () => {
  it('REST=off disables the REST API only', async () => {
    const app = await startAppForTest('redis', { REST: 'off' });
    expect((await app.post('/api/books', { id: '1', title: 'Emma' })).status).toBe(404);
    expect((await app.fetch('/health/ready')).status).toBe(200);
    expect(await app.graphql.request('{ __typename }')).toEqual({ __typename: 'Query' });
  });

  it('PUBLIC_URL is the base of all absolute URLs', async () => {
    const app = await startAppForTest('redis', { PUBLIC_URL: 'https://api.example.com/v1/' });
    const response = await app.post('/api/books', { id: '1', title: 'Emma' });
    expect(response.headers.get('location')).toMatch(/^https:\/\/api\.example\.com\/v1\/api\/jobs\/book_/);
  });
});
