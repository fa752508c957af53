import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startAppForTest } from '../support/app.ts';
import { API_KEYS, bearer, clientOf, keyOf } from '../support/callers.ts';
import { poll } from '../support/follow.ts';
import { startScriptedApp } from '../support/scripted-app.ts';
import { BACKENDS } from '../support/stores.ts';

const MAX = 5;

/** Submits on one of the APIs, and returns the status, the code, the job and `Retry-After`. */
const SUBMIT = {
  async REST(url: string, text: string, key?: string) {
    const response = await fetch(`${url}/api/scripts`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...(key && { 'Idempotency-Key': `"${key}"` }) },
      body: JSON.stringify({ text }),
    });
    const body = await response.json();
    return {
      status: response.status,
      id: body.id,
      code: body.type?.split('/').at(-1),
      retryAfter: Number(response.headers.get('Retry-After')),
      replayed: response.headers.get('Idempotency-Replayed') === 'true',
    };
  },
  async GraphQL(url: string, text: string, key?: string) {
    const query = `mutation($text: String!, $key: String) { submitScript(input: {text: $text}, idempotencyKey: $key) { jobId replayed } }`;
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/graphql-response+json' },
      body: JSON.stringify({ query, variables: { text, key } }),
    });
    const { data, errors } = await response.json();
    return {
      status: response.status,
      id: data?.submitScript?.jobId,
      code: errors?.[0].extensions.code,
      retryAfter: Number(response.headers.get('Retry-After')),
      replayed: data?.submitScript?.replayed,
    };
  },
};

it('returns the job of a used idempotency key to a caller without the scope read while the queue is full', async () => {
  const app = await startAppForTest('redis', { API_KEYS, QUEUE_MAX_DEPTH: '1' }, { role: 'api' });
  const client = clientOf(app, bearer(keyOf('submitter')));
  const submit = (key: string) =>
    client.rest('/api/books', {
      method: 'POST',
      headers: { 'Idempotency-Key': `"${key}"` },
      body: { id: '1', title: 'Emma' },
    });
  expect((await submit('known')).status).toBe(202);
  expect((await submit('known')).status).toBe(202);
  expect((await submit('new')).status).toBe(503);
});

describe.each(BACKENDS)('a full queue on %s', (backend) => {
  it('refuses submissions on both APIs, and accepts them again when jobs are done', async () => {
    const app = await startScriptedApp({ backend, maxDepth: MAX });
    for (let job = 1; job < MAX; job += 1) expect(await SUBMIT.REST(app.url, 'x')).toMatchObject({ status: 202 });
    expect(await SUBMIT.GraphQL(app.url, 'x')).toMatchObject({ status: 200 });

    const onRest = await SUBMIT.REST(app.url, 'x');
    expect(onRest).toMatchObject({ status: 503, code: 'queue-full', id: undefined });
    expect(onRest.retryAfter).toBeGreaterThanOrEqual(1);
    const onGraphQL = await SUBMIT.GraphQL(app.url, 'x');
    expect(onGraphQL).toMatchObject({ status: 503, code: 'QUEUE_FULL' });
    expect(onGraphQL.retryAfter).toBeGreaterThanOrEqual(1);

    app.startWorker();
    await poll(
      () => SUBMIT.REST(app.url, 'x'),
      ({ status }) => status === 202,
    );
  });

  it('accepts no more of many concurrent submissions than there is room for', async () => {
    const app = await startScriptedApp({ backend, maxDepth: MAX });
    const apis = Object.values(SUBMIT);
    const replies = await Promise.all(
      Array.from({ length: 10 }, () => apis.map((submit) => submit(app.url, 'x'))).flat(),
    );
    expect(replies.filter(({ id }) => id !== undefined)).toHaveLength(MAX);
    expect(replies.filter(({ status }) => status === 503)).toHaveLength(20 - MAX);
    const { items } = await (await app.fetch('/api/jobs?limit=100')).json();
    expect(items).toHaveLength(MAX);
  });

  it('still returns the job of a used idempotency key, and creates none for a new key', async () => {
    const app = await startScriptedApp({ backend, maxDepth: 1 });
    const { id } = await SUBMIT.REST(app.url, 'x', 'known');
    expect(await SUBMIT.REST(app.url, 'x', 'known')).toMatchObject({ status: 202, id, replayed: true });
    expect(await SUBMIT.GraphQL(app.url, 'x', 'known')).toMatchObject({ status: 200, id, replayed: true });
    expect(await SUBMIT.REST(app.url, 'y', 'known')).toMatchObject({ status: 422, code: 'idempotency-key-reused' });
    expect(await SUBMIT.REST(app.url, 'x', 'new')).toMatchObject({ status: 503, code: 'queue-full' });
  });
});

describe.each(['redis', 'postgres'] as const)('CALLER_MAX_DEPTH on %s', (backend) => {
  it('bounds the waiting jobs of one caller, of all types and on both APIs, and those of no other', async () => {
    const app = await startAppForTest(backend, { API_KEYS, CALLER_MAX_DEPTH: '2' }, { role: 'api' });
    const [ada, eve] = [clientOf(app, bearer(keyOf('ada'))), clientOf(app, bearer(keyOf('eve')))];
    const book = { id: '1', title: 'Emma' };
    const submit = (client: typeof ada, key = 'x') =>
      client.rest('/api/books', { method: 'POST', body: book, headers: { 'Idempotency-Key': `"${key}"` } });
    const submitImport = () =>
      ada.graphql('mutation { submitBookImport(input: {books: [{id: "1", title: "Emma"}]}) { jobId } }');

    const first = await submit(ada, 'first');
    expect(first.status).toBe(202);
    expect(await submitImport()).toMatchObject({ status: 200, body: { data: { submitBookImport: {} } } });
    const refused = await submit(ada);
    expect(refused).toMatchObject({
      status: 429,
      body: { type: expect.stringMatching(/\/problems\/quota-exceeded$/) },
    });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await submitImport()).toMatchObject({
      status: 429,
      body: { errors: [{ extensions: { code: 'QUOTA_EXCEEDED', retryAfter: expect.any(Number) } }] },
    });
    expect((await submit(eve)).status).toBe(202);
    // A replay adds no job.
    const { id } = z.object({ id: z.string() }).parse(first.body);
    expect(await submit(ada, 'first')).toMatchObject({ status: 202, body: { id } });
    expect((await ada.rest(`/api/jobs/${id}`, { method: 'DELETE' })).status).toBe(200);
    await poll(
      () => submit(ada),
      ({ status }) => status === 202,
    );
  });
});
