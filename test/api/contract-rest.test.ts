import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobError } from '../../src/core/job-error.ts';
import { type TestApp, startApp, startAppForTest } from '../support/app.ts';
import { sendRaw } from '../support/raw-http.ts';
import { createGate } from '../support/gate.ts';
import { script } from '../support/jobs/scripted/scripted.ts';
import { BACKENDS } from '../support/stores.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');

/** The contract's section on REST, sentence by sentence. */
describe.each(BACKENDS)('REST on %s', (backend) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(backend, { JOBS_DIR });
  });
  afterAll(() => app.close());

  const submit = (text: string = randomUUID(), headers: Record<string, string> = {}): Promise<Response> =>
    app.fetch('/api/scripted-jobs', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify({ text }),
    });
  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> => app.fetch(path, { headers });

  /** A running job, and the function that lets it end. */
  async function running() {
    const gate = createGate();
    const text = randomUUID();
    script(text, async (job) => {
      await job.progress(40, 'working');
      await gate.pass();
      return { text };
    });
    const accepted = await submit(text);
    const { id } = await accepted.json();
    await gate.reached;
    return { id, text, path: `/api/jobs/${id}`, open: gate.open };
  }

  /** A finished job with this status. */
  async function done(status: 'Succeeded' | 'Failed' | 'Canceled') {
    const text = randomUUID();
    if (status === 'Canceled') {
      const job = await running();
      await app.fetch(job.path, { method: 'DELETE' });
      await get(`${job.path}?onPending=synchronous`);
      return { ...job, accepted: undefined };
    }
    if (status === 'Failed') {
      script(text, async () => {
        throw new JobError('NO_LUCK', 'It could not be done.', { retry: false });
      });
    }
    const accepted = await submit(text);
    const { id } = await accepted.json();
    const path = `/api/jobs/${id}`;
    await get(`${path}?onPending=synchronous`);
    return { id, text, path, accepted };
  }

  describe('a submission', () => {
    it('replies 202 with Location and Operation-Location, both absolute, Retry-After, and the job', async () => {
      const response = await submit();
      expect(response.status).toBe(202);
      const job = await response.json();
      expect(response.headers.get('location')).toBe(`${app.url}/api/jobs/${job.id}`);
      expect(response.headers.get('operation-location')).toBe(`${app.url}/api/operations/${job.id}`);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(job).toMatchObject({
        type: 'scripted',
        status: 'Pending',
        done: false,
        statusUrl: response.headers.get('location'),
      });
    });

    it('with Prefer: wait=N and a job that is done in time replies 200 with the result, Content-Location and Preference-Applied', async () => {
      const text = randomUUID();
      const response = await submit(text, { Prefer: 'respond-async, wait=20' });
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ text });
      expect(response.headers.get('content-location')).toMatch(/\/api\/jobs\/scripted_[\w-]{22}\/result$/);
      expect(response.headers.get('preference-applied')).toBe('wait=20');
    });

    it('with Prefer: wait=N and a job that is not done in time replies 202', async () => {
      const gate = createGate();
      const text = randomUUID();
      script(text, async () => {
        await gate.pass();
        return { text };
      });
      const response = await submit(text, { Prefer: 'wait=1' });
      expect(response.status).toBe(202);
      expect(response.headers.get('preference-applied')).toBe('wait=1');
      expect(await response.json()).toMatchObject({ status: 'Running' });
      gate.open();
    });

    it('with Prefer: wait=N and a job that fails in time replies with the problem and the URL of the job', async () => {
      const text = randomUUID();
      script(text, async () => {
        throw new JobError('NO_LUCK', 'It could not be done.', { retry: false });
      });
      const response = await submit(text, { Prefer: 'wait=20' });
      expect(response.status).toBe(422);
      expect(response.headers.get('location')).toMatch(/\/api\/jobs\/scripted_/);
      expect(await response.json()).toMatchObject({ detail: 'NO_LUCK: It could not be done.' });
    });

    it('with the same idempotency key returns the same job, with Idempotency-Replayed: true', async () => {
      const text = randomUUID();
      const key = { 'Idempotency-Key': `"${randomUUID()}"` };
      const first = await submit(text, key);
      const second = await submit(text, key);
      expect(first.headers.get('idempotency-replayed')).toBeNull();
      expect(second.status).toBe(202);
      expect(second.headers.get('idempotency-replayed')).toBe('true');
      expect(second.headers.get('location')).toBe(first.headers.get('location'));
    });

    it('with a used idempotency key and another input is 422', async () => {
      const key = { 'Idempotency-Key': `"${randomUUID()}"` };
      await submit('one', key);
      const response = await submit('another', key);
      expect(response.status).toBe(422);
      expect(await response.json()).toMatchObject({ type: `${app.url}/problems/idempotency-key-reused` });
    });

    it.each(['unquoted', '"', '""', '"ü"', `"${'x'.repeat(256)}"`, '"a", "b"'])(
      'with a malformed idempotency key is 400: %s',
      async (key) => {
        const response = await submit('text', { 'Idempotency-Key': Buffer.from(key).toString('latin1') });
        expect(response.status).toBe(400);
        expect(await response.json()).toMatchObject({ errors: [{ pointer: '#/idempotencyKey' }] });
      },
    );
  });

  describe('a job that is not done', () => {
    it('replies 202 with Retry-After and the job', async () => {
      const job = await running();
      const response = await get(job.path);
      expect(response.status).toBe(202);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(await response.json()).toMatchObject({
        id: job.id,
        status: 'Running',
        percentComplete: 40,
        message: 'working',
      });
      job.open();
    });

    it('replies 200 with the same body to ?onPending=ok', async () => {
      const job = await running();
      const response = await get(`${job.path}?OnPending=OK`);
      expect(response.status).toBe(200);
      expect(response.headers.has('retry-after')).toBe(true);
      job.open();
    });

    it.each(['?onPending=synchronous', '?ONPENDING=Synchronous', ''])(
      'holds the reply until the job is done: %s with Prefer: wait=40',
      async (query) => {
        const job = await running();
        const reply = get(job.path + query, { Prefer: 'wait=40' });
        job.open();
        const response = await reply;
        expect(response.status).toBe(303);
        expect(response.headers.get('preference-applied')).toBe('wait=40');
      },
    );

    it('holds the reply no longer than Prefer asks, and at most 50 seconds', async () => {
      const job = await running();
      const short = await get(`${job.path}?onPending=synchronous`, { Prefer: 'wait=1' });
      expect(short.status).toBe(202);
      expect(short.headers.get('preference-applied')).toBe('wait=1');
      const long = get(job.path, { Prefer: 'wait=3600' });
      job.open();
      expect((await long).headers.get('preference-applied')).toBe('wait=50');
    });

    it('has no result yet: 404 with Retry-After', async () => {
      const job = await running();
      const response = await get(`${job.path}/result`);
      expect(response.status).toBe(404);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(await response.json()).toMatchObject({ type: `${app.url}/problems/result-not-ready` });
      job.open();
    });

    it('that is running replies 202 to DELETE, and ends Canceled', async () => {
      const job = await running();
      const response = await app.fetch(job.path, { method: 'DELETE' });
      expect(response.status).toBe(202);
      expect(response.headers.get('location')).toBe(`${app.url}${job.path}`);
      // Again, it is the same.
      const again = await app.fetch(job.path, { method: 'DELETE' });
      expect([202, 200]).toContain(again.status);
      if (again.status === 202) expect(again.headers.get('retry-after')).toBe('1');
      expect(response.headers.get('retry-after')).toBe('1');
      const ended = await get(`${job.path}?onPending=synchronous&onComplete=status`);
      expect(await ended.json()).toMatchObject({ status: 'Canceled', error: { code: 'JOB_CANCELED' }, done: true });
      job.open();
    });
  });

  describe('a job that is done', () => {
    it('replies 303 with its result as Location if it has no resource', async () => {
      const job = await done('Succeeded');
      const response = await get(job.path);
      expect(response.status).toBe(303);
      expect(response.headers.get('location')).toBe(`${app.url}${job.path}/result`);
    });

    it('replies 200 with the result to ?onComplete=stream, and with the job to ?onComplete=status', async () => {
      const job = await done('Succeeded');
      expect(await (await get(`${job.path}?onComplete=stream`)).json()).toEqual({ text: job.text });
      expect(await (await get(`${job.path}?onComplete=status`)).json()).toMatchObject({
        status: 'Succeeded',
        percentComplete: 100,
        retryAfter: null,
        history: [],
      });
    });

    it.each([
      ['Failed', 422, 'job-failed', 'NO_LUCK'],
      ['Canceled', 409, 'job-canceled', 'JOB_CANCELED'],
    ] as const)('that %s replies 303 to the result, which is %s', async (status, code, problem, error) => {
      const job = await done(status);
      const response = await get(job.path);
      expect(response.status).toBe(303);
      const result = await get(response.headers.get('location') ?? '');
      expect(result.status).toBe(code);
      expect(result.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
      const body = await result.json();
      expect(body).toMatchObject({ type: `${app.url}/problems/${problem}`, status: code });
      expect(body.detail).toContain(error);
      expect(body.code).toBe(error);
    });

    it('that was canceled replies the same to another DELETE', async () => {
      const job = await done('Canceled');
      const [first, second] = [
        await app.fetch(job.path, { method: 'DELETE' }),
        await app.fetch(job.path, { method: 'DELETE' }),
      ];
      expect([first.status, second.status]).toEqual([200, 200]);
      const body = await first.json();
      expect(body).toMatchObject({ id: job.id, status: 'Canceled' });
      expect(await second.json()).toEqual(body);
    });

    it('cannot be canceled: 409', async () => {
      const job = await done('Succeeded');
      const response = await app.fetch(job.path, { method: 'DELETE' });
      expect(response.status).toBe(409);
      expect(await response.json()).toMatchObject({ type: `${app.url}/problems/not-cancelable` });
    });

    it.each(['Failed', 'Canceled'] as const)('that %s can be retried: 202 as for a submission', async (status) => {
      const job = await done(status);
      script(job.text, async () => ({ text: 'at last' }));
      const response = await app.fetch(`${job.path}/retry`, { method: 'POST' });
      expect(response.status).toBe(202);
      expect(response.headers.get('location')).toBe(`${app.url}${job.path}`);
      expect(response.headers.get('operation-location')).toBe(`${app.url}/api/operations/${job.id}`);
      const result = await get(`${job.path}?onPending=synchronous&onComplete=status`);
      const [, error] = status === 'Failed' ? [0, 'NO_LUCK'] : [0, 'JOB_CANCELED'];
      expect(await result.json()).toMatchObject({
        status: 'Succeeded',
        attempt: 2,
        maxAttempts: 4,
        history: [{ attempt: 1, error: { code: error } }],
      });
    });

    it('that Succeeded cannot be retried: 409', async () => {
      const job = await done('Succeeded');
      const response = await app.fetch(`${job.path}/retry`, { method: 'POST' });
      expect(response.status).toBe(409);
      expect(await response.json()).toMatchObject({ type: `${app.url}/problems/not-retryable` });
    });
  });

  describe('the status monitor', () => {
    it('is 200 with Retry-After while the job runs, and 200 with the URL of the result when it is done', async () => {
      const job = await running();
      const path = `/api/operations/${job.id}`;
      const pending = await get(path);
      expect(pending.status).toBe(200);
      expect(pending.headers.has('retry-after')).toBe(true);
      expect(await pending.json()).toEqual({
        id: job.id,
        status: 'Running',
        percentComplete: 40,
        createdDateTime: expect.stringMatching(/Z$/),
        lastActionDateTime: expect.stringMatching(/Z$/),
      });
      job.open();
      await get(`${job.path}?onPending=synchronous`);
      const succeeded = await get(path);
      expect(succeeded.headers.has('retry-after')).toBe(false);
      expect(await succeeded.json()).toMatchObject({
        status: 'Succeeded',
        percentComplete: 100,
        resourceLocation: `${app.url}${job.path}/result`,
      });
    });

    it.each([
      ['Failed', { code: 'NO_LUCK', message: 'It could not be done.' }],
      ['Canceled', { code: 'JOB_CANCELED', message: 'The job was canceled.' }],
    ] as const)('has the error of a job that %s', async (status, error) => {
      const job = await done(status);
      const monitor = await get(`/api/operations/${job.id}`);
      expect(await monitor.json()).toMatchObject({ status, error });
    });
  });

  describe('the list', () => {
    it('has the newest jobs first, in pages linked by nextCursor and Link', async () => {
      const ids: string[] = [];
      for (let index = 0; index < 5; index += 1) ids.unshift((await (await submit()).json()).id);
      const first = await get('/api/jobs?type=scripted&limit=3');
      const page = await first.json();
      expect(page.items.map((job: { id: string }) => job.id)).toEqual(ids.slice(0, 3));
      const next = /^<([^>]+)>; rel="next"$/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
      expect(new URL(next).searchParams.get('cursor')).toBe(page.nextCursor);
      const second = await (await get(next)).json();
      expect(second.items.slice(0, 2).map((job: { id: string }) => job.id)).toEqual(ids.slice(3));
    });

    it('can be filtered by status', async () => {
      const failed = await done('Failed');
      const canceled = await done('Canceled');
      const { items } = await (await get('/api/jobs?status=failed,Canceled&limit=2')).json();
      expect(items.map((job: { id: string }) => job.id)).toEqual([canceled.id, failed.id]);
      const again = await (await get('/api/jobs?status=Failed&status=Canceled&limit=2')).json();
      expect(again.items).toEqual(items);
    });

    it.each([
      'type=&status=&limit=&cursor=&type[]=',
      'status[]=&status=',
      'status=Pending,Running,Succeeded,Failed,Canceled,',
    ])('takes empty values for no filter: ?%s', async (query) => {
      const { items } = await (await get(`/api/jobs?${query}`)).json();
      expect(items).toEqual((await (await get('/api/jobs')).json()).items);
    });

    it('reads status[]= as status=', async () => {
      const { items } = await (await get('/api/jobs?status[]=Failed&status[]=Canceled&limit=2')).json();
      expect(items).toEqual((await (await get('/api/jobs?status=Failed,Canceled&limit=2')).json()).items);
      expect(items).toHaveLength(2);
    });

    it.each([
      'type=none',
      'status=done',
      'limit=0',
      'limit=101',
      'limit=x',
      'limit=0x5',
      'cursor=none',
      'cursor=MS4A',
      'stauts=Failed',
      'stauts=',
      'Status=Failed',
      'constructor=1',
      'toString=',
    ])('refuses ?%s with a 400 that names the parameter', async (query) => {
      const response = await get(`/api/jobs?${query}`);
      expect(response.status).toBe(400);
      const [error] = (await response.json()).errors;
      expect(error.pointer).toMatch(new RegExp(`^#/${query.split('=')[0]}`));
    });
  });

  describe('If-Match', () => {
    it.each([
      ['GET', ''],
      ['HEAD', ''],
      ['GET', '/result'],
      ['GET', '/events'],
      ['DELETE', ''],
      ['POST', '/retry'],
    ])('of another state is 412, and nothing is done: %s %s', async (method, path) => {
      const job = await done('Failed');
      const send = (tag: string) => app.fetch(job.path + path, { method, headers: { 'If-Match': tag } });
      const { headers } = await get(`${job.path}?onComplete=status`);
      const tag = headers.get('etag') ?? '';
      const refused = await send('W/"other", "another"');
      expect(refused.status).toBe(412);
      if (method !== 'HEAD') expect((await refused.json()).type).toBe(`${app.url}/problems/precondition-failed`);
      expect((await get(`${job.path}?onComplete=status`)).headers.get('etag')).toBe(tag);
      for (const held of [`"x", ${tag}`, '*']) expect((await send(held)).status).not.toBe(412);
    });
  });

  describe('ETag', () => {
    it.each(['', '?onPending=ok'])('of a job changes with it, and If-None-Match gets 304: %s', async (query) => {
      const job = await running();
      const first = await get(job.path + query);
      const tag = first.headers.get('etag') ?? '';
      expect(tag).toMatch(/^W\/"[\x21\x23-\x7e]+"$/);
      const same = await get(job.path + query, { 'If-None-Match': `"other", ${tag}` });
      expect(same.status).toBe(304);
      expect(await same.text()).toBe('');
      expect(same.headers.get('etag')).toBe(tag);
      expect(same.headers.has('retry-after')).toBe(true);
      job.open();
      await get(`${job.path}?onPending=synchronous`);
      const changed = await get(`${job.path}?onComplete=status`, { 'If-None-Match': tag });
      expect(changed.status).toBe(200);
      const result = await get(`${job.path}/result`);
      expect((await get(`${job.path}/result`, { 'If-None-Match': result.headers.get('etag') ?? '' })).status).toBe(304);
    });
  });
});

describe('HTTP', () => {
  let app: TestApp;
  let id: string;
  beforeAll(async () => {
    app = await startApp('redis', {
      CORS_ORIGINS: 'https://app.example.com,http://localhost:3000',
      TRUST_PROXY: '127.0.0.1/32',
    });
    const response = await app.fetch('/api/books', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Prefer: 'wait=30' },
      body: JSON.stringify({ id: '1', title: 'Emma' }),
    });
    id = /jobs\/(.*)$/.exec(response.headers.get('location') ?? '')?.[1] ?? '';
  });
  afterAll(() => app.close());

  it.each([
    ['/api/jobs', 'GET, HEAD, OPTIONS'],
    ['/api/jobs/ID', 'GET, DELETE, HEAD, OPTIONS'],
    ['/api/jobs/ID/result', 'GET, HEAD, OPTIONS'],
    ['/api/jobs/ID/retry', 'POST, OPTIONS'],
    ['/api/jobs/ID/events', 'GET, HEAD, OPTIONS'],
    ['/api/operations/ID', 'GET, HEAD, OPTIONS'],
    ['/api/books', 'POST, OPTIONS'],
    ['/api/books/1', 'GET, HEAD, OPTIONS'],
  ])('%s allows %s, and replies 405 to other methods', async (path, allow) => {
    const url = path.replace('ID', id);
    const options = await app.fetch(url, { method: 'OPTIONS' });
    expect(options.status).toBe(204);
    expect(options.headers.get('allow')).toBe(allow);
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((each) => !allow.includes(each))) {
      const response = await app.fetch(url, { method });
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toBe(allow);
      expect(await response.json()).toMatchObject({ type: `${app.url}/problems/method-not-allowed`, status: 405 });
    }
  });

  it.each([
    '/api/jobs',
    '/api/jobs/ID?onComplete=status',
    '/api/jobs/ID/result',
    '/api/books/1',
    '/api/jobs/ID/events',
  ])('HEAD has the headers of GET without a body: %s', async (path) => {
    const url = path.replace('ID', id);
    const head = await app.fetch(url, { method: 'HEAD' });
    const full = await app.fetch(url);
    expect(head.status).toBe(full.status);
    for (const name of ['content-type', 'etag', 'cache-control'])
      expect(head.headers.get(name)).toBe(full.headers.get(name));
    expect(await head.text()).toBe('');
    await full.text();
  });

  it.each([
    ['/api/jobs', 'text/html'],
    ['/api/jobs', 'application/json;q=0'],
    ['/api/jobs/ID/events', 'application/json'],
  ])('replies 406 if no media type is acceptable: %s with Accept: %s', async (path, accept) => {
    const response = await app.fetch(path.replace('ID', id), { headers: { Accept: accept } });
    expect(response.status).toBe(406);
    expect(await response.json()).toMatchObject({ type: `${app.url}/problems/not-acceptable` });
  });

  it.each([
    'application/json',
    'application/*',
    '*/*;q=0.1',
    'text/html, application/json;q=0.5',
    'application/problem+json',
  ])('replies to Accept: %s', async (accept) => {
    expect((await app.fetch('/api/jobs', { headers: { Accept: accept } })).status).toBe(200);
  });

  it.each([
    ['text/plain', 415],
    ['application/json; charset=iso-8859-1', 415],
    ['application/json; charset="UTF-8"', 202],
    ['application/json; charset=utf8', 202],
    ['application/json;charset=unicode-1-1-utf-8', 202],
    ['application/json; charset=utf-9', 415],
    ['application/json', 202],
  ])('accepts only JSON in UTF-8: %s', async (type, status) => {
    const body = JSON.stringify({ id: '2', title: 'Emma' });
    const response = await app.fetch('/api/books', { method: 'POST', headers: { 'Content-Type': type }, body });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toMatch(/; charset=utf-8$/);
  });

  it.each([
    ['GET', '/api/jobs'],
    ['HEAD', '/api/jobs'],
    ['GET', '/api/jobs/ID?onComplete=status'],
    ['GET', '/api/jobs/ID'],
    ['GET', '/api/jobs/ID/result'],
    ['GET', '/api/jobs/ID/events'],
    ['GET', '/api/operations/ID'],
    ['GET', '/api/books/1'],
    ['GET', '/api/books/none'],
    ['GET', '/api/jobs?limit=none'],
    ['DELETE', '/api/jobs/ID'],
    ['GET', '/graphql?query={__typename}'],
    ['GET', '/graphql?query={nope}'],
    ['GET', '/graphql?query={nope'],
    ['GET', '/graphql?query=subscription{jobUpdates(id:"ID"){status}}', 'text/event-stream'],
  ])('%s %s is kept by no cache', async (method, path, accept = '*/*') => {
    const response = await app.fetch(path.replace('ID', id), { method, headers: { Accept: accept } });
    expect(response.headers.get('cache-control')).toBe('private, no-store');
    expect(response.headers.get('vary')).toMatch(/Authorization, X-API-Key/);
    if (path.startsWith('/graphql')) expect(response.headers.get('vary')).toMatch(/Accept(,|$)/);
    await response.text();
  });

  it.each([
    ['/api/jobs/ID/events', 'text/event-stream'],
    ['/graphql?query=subscription{jobUpdates(id:"ID"){status}}', 'text/event-stream'],
  ])('%s asks proxies not to hold its events back', async (path, accept) => {
    const response = await app.fetch(path.replace('ID', id), { headers: { Accept: accept } });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(response.headers.get('x-accel-buffering')).toBe('no');
    await response.text();
  });

  it.each([
    ['/api/jobs', 'application/json; charset=utf-8', 'application/json'],
    ['/api/jobs', 'text/html, application/json;v="a,b";q=0.5', 'application/json'],
    ['/api/jobs/ID/events', 'text/event-stream; charset=utf-8', 'text/event-stream'],
    ['/graphql?query={__typename}', 'application/json; charset=utf-8', 'application/json'],
    ['/graphql?query={__typename}', 'application/json; charset=utf8; x="text/html"', 'application/json'],
    ['/graphql?query={__typename}', 'application/json, text/html;q=0', 'application/json'],
    [
      '/graphql?query={__typename}',
      'application/json;q=0.5, application/graphql-response+json',
      'application/graphql-response+json',
    ],
    ['/graphql?query={__typename}', 'text/html;q=0.1, application/json;q=0.2', 'application/json'],
    ['/graphql?query={__typename}', 'text/html, */*;q=0.8', 'text/html'],
    ['/graphql?query={__typename}', 'application/*;q=0.9', 'application/json'],
    ['/graphql?query={__typename}', 'text/event-stream;q=0, */*', 'application/json'],
  ])('%s for Accept: %s is %s', async (path, accept, type) => {
    const response = await app.fetch(path.replace('ID', id), { headers: { Accept: accept } });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')?.split(';')[0]).toBe(type);
    await response.text();
  });

  it.each([
    ['GET', '/api/jobs', 'application/json;q=0'],
    ['GET', '/api/jobs', 'constructor'],
    ['GET', '/graphql?query={__typename}', 'constructor'],
    ['POST', '/graphql', 'constructor'],
    ['POST', '/graphql', '__proto__, toString/valueOf'],
    ['POST', '/graphql', 'text/plain'],
    ['POST', '/graphql', 'application/json;q=0, application/graphql-response+json;q=0.0'],
  ])('%s %s for Accept: %s is 406 with a body', async (method, path, accept) => {
    const response = await app.fetch(path, {
      method,
      headers: { Accept: accept, ...(method === 'POST' && { 'Content-Type': 'application/json' }) },
      ...(method === 'POST' && { body: JSON.stringify({ query: '{ __typename }' }) }),
    });
    expect(response.status).toBe(406);
    expect(await response.text()).toContain('Available as application/json or');
  });

  it('a subscription is 406 with a body for a client that takes no stream', async () => {
    const response = await app.fetch('/graphql', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ query: `subscription { jobUpdates(id: "${id}") { status } }` }),
    });
    expect(response.status).toBe(406);
    expect(await response.json()).toMatchObject({
      errors: [{ message: expect.stringContaining('text/event-stream') }],
    });
  });

  it('lets only pages of CORS_ORIGINS read replies and their headers', async () => {
    const from = (origin: string) => app.fetch(`/api/jobs/${id}?onComplete=status`, { headers: { Origin: origin } });
    const allowed = await from('http://localhost:3000');
    expect(allowed.headers.get('access-control-allow-origin')).toBe('http://localhost:3000');
    expect(allowed.headers.get('access-control-expose-headers')).toContain('Location');
    expect(allowed.headers.get('vary')).toMatch(/Origin.*Prefer/);
    expect((await from('https://evil.example.com')).headers.has('access-control-allow-origin')).toBe(false);
  });

  it.each(['/api/books', '/graphql'])('replies to the preflight of a page of CORS_ORIGINS: %s', async (path) => {
    const response = await app.fetch(path, {
      method: 'OPTIONS',
      headers: {
        Origin: 'https://app.example.com',
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'content-type,idempotency-key,prefer',
      },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-methods')).toContain('POST');
    expect(response.headers.get('access-control-allow-headers')).toContain('idempotency-key');
  });

  it('lets pages of CORS_ORIGINS read GraphQL replies', async () => {
    const response = await app.fetch('/graphql?query={__typename}', { headers: { Origin: 'https://app.example.com' } });
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
    expect(await response.json()).toEqual({ data: { __typename: 'Query' } });
  });

  it('trusts the forwarding headers of TRUST_PROXY only', async () => {
    const headers = { 'X-Forwarded-Host': 'api.example.com', 'X-Forwarded-Proto': 'https' };
    const url = `/api/jobs/${id}?onComplete=status`;
    const trusted = await (await app.fetch(url, { headers })).json();
    expect(trusted.statusUrl).toBe(`https://api.example.com/api/jobs/${id}`);
    expect((await app.fetch(url, { headers: { ...headers, 'X-Forwarded-Proto': 'javascript' } })).status).toBe(400);
    const other = await startAppForTest('redis');
    const untrusted = await (await other.fetch('/api/none', { headers })).json();
    expect(untrusted.type).toBe(`${other.url}/problems/not-found`);
  });
});

describe('a client error', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp('redis', { PUBLIC_URL: 'https://api.example.com/v1' });
  });
  afterAll(() => app.close());

  it.each(['/api/books/%00', `/api/jobs/${'a'.repeat(12_000)}`, '/api/jobs/%ff', '/api/books/%E0%A4%A'])(
    'is not reported as a server error: %s',
    async (path) => {
      const response = await app.fetch(path);
      expect([400, 404]).toContain(response.status);
      await response.text();
    },
  );

  it('has the path of the request as the client sent it', async () => {
    const response = await app.fetch('/api/jobs/none?onPending=ok');
    expect((await response.json()).instance).toBe('/v1/api/jobs/none?onPending=ok');
  });

  it.each(['variables=x', 'extensions=%7B'])('in the URL of a GraphQL query is a 400: %s', async (parameter) => {
    const response = await app.fetch(`/graphql?query=%7B__typename%7D&${parameter}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
  });

  it('of invalid UTF-8 is refused rather than corrected', async () => {
    const body = Buffer.from('{"id":"1","title":"\xff"}', 'latin1');
    const headers = { 'Content-Type': 'application/json' };
    const response = await app.fetch('/api/books', { method: 'POST', headers, body });
    expect(response.status).toBe(400);
    expect((await response.json()).type).toMatch(/malformed-request$/);
  });

  it.each(['application/json', 'application/x-www-form-urlencoded', 'text/plain;charset=UTF-8', 'nonsense', ''])(
    'does not include a Content-Type without a body: %s',
    async (type) => {
      const headers = { 'Content-Type': type };
      const empty = await app.fetch('/graphql', { method: 'POST', headers, body: '' });
      expect(empty.status).toBe(400);
      expect((await app.fetch('/api/jobs/none/retry', { method: 'POST', headers, body: '' })).status).toBe(404);
      // In chunks, of which there are none.
      const chunked = ['POST /api/jobs/none/retry HTTP/1.1', 'Host: localhost', 'Connection: close'];
      const framing = [`Content-Type: ${type}`, 'Transfer-Encoding: chunked', '', '0'];
      expect(await sendRaw(app.url, [...chunked, ...framing])).toMatch(/^HTTP\/1\.1 404 /);
      expect((await app.fetch('/api/jobs/none', { method: 'DELETE', headers })).status).toBe(404);
      const response = await app.fetch('/api/books', { method: 'POST', headers });
      expect((await response.json()).type).toMatch(/invalid-input$/);
    },
  );
});
