import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { JobError } from '../../src/core/job-error.ts';
import { createJobKeys } from '../../src/core/access/job-token.ts';
import { type TestApp, startApp, startAppForTest } from '../support/app.ts';
import { API_KEYS, type Answer, type Client, bearer, clientOf, keyOf } from '../support/callers.ts';
import { poll } from '../support/follow.ts';
import { createGate } from '../support/gate.ts';
import { script } from '../support/jobs/scripted/scripted.ts';
import { startProcess } from '../support/process.ts';
import { statesOf } from '../support/states.ts';
import { createStore } from '../support/stores.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');
const NOT_THERE = 'scripted_AAAAAAAAAAAAAAAAAAAAAA';
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const BOOK = { id: 'key', title: 'Emma' };

const submittedSchema = z.looseObject({
  id: z.string(),
  accessToken: z.string(),
  status: z.string(),
  createdAt: z.coerce.date(),
});
const codesSchema = z.object({ errors: z.array(z.object({ extensions: z.looseObject({ code: z.string() }) })) });
const codeOf = ({ body }: Answer): string | undefined => codesSchema.safeParse(body).data?.errors[0]?.extensions.code;

type Presented = 'a bearer token' | 'a query parameter';
const WAYS: readonly Presented[] = ['a bearer token', 'a query parameter'];

function holder(app: Pick<TestApp, 'fetch'>, way: Presented, token: string): Client {
  return way === 'a bearer token' ? clientOf(app, bearer(token)) : clientOf(app, {}, `access_token=${token}`);
}

/** The requests that an access token allows, and the status of each reply while the job runs. */
const READS: readonly [string, number, (client: Client, id: string) => Promise<Answer>][] = [
  ['GET', 202, (as, id) => as.rest(`/api/jobs/${id}`)],
  ['GET with more in the query', 200, (as, id) => as.rest(`/api/jobs/${id}?onPending=ok`)],
  ['result', 404, (as, id) => as.rest(`/api/jobs/${id}/result`)],
  ['monitor', 200, (as, id) => as.rest(`/api/operations/${id}`)],
  ['HEAD of the events', 200, (as, id) => as.rest(`/api/jobs/${id}/events`, { method: 'HEAD' })],
  ['jobStatus', 200, (as, id) => as.graphql(`{ jobStatus(id: "${id}") { id ... on ScriptedJob { input { text } } } }`)],
];

describe.each(['closed', 'open'])('the access token of a job, on a server that is %s', (kind) => {
  let app: TestApp;
  const ada = (): Client => clientOf(app, kind === 'closed' ? bearer(keyOf('ada')) : {});

  beforeAll(async () => {
    app = await startApp('redis', { JOBS_DIR, ...(kind === 'closed' && { API_KEYS }) });
  });
  afterAll(() => app.close());

  const submit = async (text = 'hello', headers = {}) => {
    const { status, body } = await ada().rest('/api/scripted-jobs', { method: 'POST', body: { text }, headers });
    expect(status).toBe(202);
    return submittedSchema.parse(body);
  };
  /** A job that runs until the end of the test. */
  const hold = async (text: string) => {
    const gate = createGate();
    onTestFinished(() => gate.open());
    script(text, async () => {
      await gate.pass();
      return { text };
    });
    const job = await submit(text);
    await gate.reached;
    return { ...job, gate };
  };

  it('is in the reply to each submission, and in no other', async () => {
    const job = await submit('once', { 'Idempotency-Key': '"once"' });
    expect(job.accessToken).toMatch(/^jk_scripted_[\w-]{22}\.\d+\.\d+\.[\w-]{43}$/);
    const replayed = await submit('once', { 'Idempotency-Key': '"once"' });
    expect(replayed).toMatchObject({ id: job.id, accessToken: expect.stringContaining(job.id) });
    const mutation =
      'mutation { submitScripted(input: { text: "once" }, idempotencyKey: "once") { jobId accessToken } }';
    expect((await ada().graphql(mutation)).body).toEqual({
      data: { submitScripted: { jobId: job.id, accessToken: expect.stringContaining(`jk_${job.id}.`) } },
    });
    for (const path of [`/api/jobs/${job.id}?onComplete=status`, '/api/jobs'])
      expect(JSON.stringify((await ada().rest(path)).body)).not.toContain('accessToken');
  });

  it.each(WAYS)('allows to read that job, as %s', async (way) => {
    const { id, accessToken, gate } = await hold(`reads-${kind}-${way}`);
    const client = holder(app, way, accessToken);
    for (const [name, expected, ask] of READS) {
      const { status } = await ask(client, id);
      expect({ name, status }).toEqual({ name, status: expected });
    }
    const waited = client.graphql(
      `{ jobStatus(id: "${id}", waitSeconds: 60) { status ... on ScriptedJob { input { text } result { text } } } }`,
    );
    const held = client.rest(`/api/jobs/${id}?onComplete=stream`, { headers: { Prefer: 'wait=60' } });
    gate.open();
    const text = `reads-${kind}-${way}`;
    expect((await waited).body).toEqual({
      data: { jobStatus: { status: 'SUCCEEDED', input: { text }, result: { text } } },
    });
    expect((await held).body).toEqual({ text });
    expect((await client.rest(`/api/jobs/${id}/result`)).body).toEqual({ text });
  });

  it.each(WAYS)('allows to follow that job by events and by a subscription, as %s', async (way) => {
    const { id, accessToken, gate } = await hold(`watches-${kind}-${way}`);
    const query = way === 'a query parameter' ? `?access_token=${accessToken}` : '';
    const headers = way === 'a bearer token' ? bearer(accessToken) : {};
    const events = await app.fetch(`/api/jobs/${id}/events${query}`, { headers });
    expect(events.status).toBe(200);
    const subscription = await app.fetch(`/graphql${query}`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json', Accept: 'text/event-stream' },
      body: JSON.stringify({ query: `subscription { jobUpdates(id: "${id}") { status } }` }),
    });
    expect(subscription.status).toBe(200);
    gate.open();
    const states: unknown[] = [];
    for await (const state of statesOf(events)) states.push(state);
    expect(states.at(-1)).toMatchObject({ id, status: 'Succeeded' });
    expect(await subscription.text()).toContain('SUCCEEDED');
  });

  it.each(WAYS)('allows to cancel that job, as %s', async (way) => {
    const first = await hold(`cancels-${kind}-${way}`);
    const rest = await holder(app, way, first.accessToken).rest(`/api/jobs/${first.id}`, { method: 'DELETE' });
    expect(rest.status).toBe(202);
    const second = await hold(`cancels-too-${kind}-${way}`);
    const graphql = holder(app, way, second.accessToken);
    const canceled = await graphql.graphql(`mutation { cancelJob(id: "${second.id}") { id } }`);
    expect(canceled.body).toEqual({ data: { cancelJob: { id: second.id } } });
    first.gate.open();
    second.gate.open();
    for (const { id } of [first, second])
      await poll(
        () => ada().rest(`/api/jobs/${id}?onComplete=status`),
        ({ body }) => submittedSchema.partial().parse(body).status === 'Canceled',
      );
  });

  it.each(WAYS)('allows nothing else, as %s', async (way) => {
    const { id, accessToken } = await hold(`opens-${kind}-${way}`);
    const client = holder(app, way, accessToken);
    const post = { method: 'POST', body: { text: 'more' } };
    for (const answer of [
      await client.rest('/api/scripted-jobs', post),
      await client.rest('/api/jobs'),
      await client.rest(`/api/jobs/${id}/retry`, { method: 'POST' }),
    ]) {
      expect(answer.status).toBe(403);
      expect(JSON.stringify([answer.body, ...answer.headers])).not.toContain(accessToken);
    }
    for (const query of [
      'mutation { submitScripted(input: { text: "more" }) { jobId } }',
      '{ jobs { nodes { id } } }',
      `mutation { retryJob(id: "${id}") { id } }`,
    ])
      expect(codeOf(await client.graphql(query))).toBe('FORBIDDEN');
  });

  it.each(WAYS)('is refused before the document and its variables are validated, as %s', async (way) => {
    const { id, accessToken } = await submit();
    const client = holder(app, way, accessToken);
    const variables = { input: { text: 1 }, yes: true };
    for (const query of [
      'mutation ($input: SubmitScriptedInput!) { submitScripted(input: $input) { jobId } }',
      'mutation ($input: SubmitScriptedInput!) { ...all } fragment all on Mutation { submitScripted(input: $input) { nope } }',
      `mutation ($input: Int!, $yes: Boolean!) { cancelJob(id: "${id}") { id } ... @include(if: $yes) { submitScripted(input: $input) { jobId } } }`,
    ]) {
      const answer = await client.graphql(query, variables);
      expect([answer.status, codeOf(answer)]).toEqual([403, 'FORBIDDEN']);
    }
    const broken = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{' };
    expect(
      (await app.fetch('/api/scripted-jobs', { ...broken, headers: { ...broken.headers, ...bearer(accessToken) } }))
        .status,
    ).toBe(403);
    // What is skipped needs no scope.
    const skipped = await client.graphql(
      `query ($yes: Boolean!) { jobStatus(id: "${id}") { id } jobs @skip(if: $yes) { nodes { id } } }`,
      variables,
    );
    expect(skipped.body).toEqual({ data: { jobStatus: { id } } });
  });

  it.each(WAYS)('gets 401 for any other job, existing or not, as %s', async (way) => {
    const { accessToken } = await submit();
    const other = await submit('other');
    const client = holder(app, way, accessToken);
    for (const id of [other.id, NOT_THERE]) {
      for (const [, , ask] of READS.slice(0, -1)) {
        const answer = await ask(client, id);
        expect(answer.status).toBe(401);
        expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
      }
      for (const query of [`{ jobStatus(id: "${id}") { id } }`, `mutation { cancelJob(id: "${id}") { id } }`]) {
        const answer = await client.graphql(query);
        expect([answer.status, codeOf(answer)]).toEqual([401, 'UNAUTHENTICATED']);
        expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
      }
      expect((await client.rest(`/api/jobs/${id}`, { method: 'DELETE' })).status).toBe(401);
    }
  });

  it('is refused if it is forged or truncated', async () => {
    const { id, accessToken } = await submit();
    const other = await submit('other');
    const [name = '', createdAt = '', expiry = '', mac = ''] = accessToken.split('.');
    const head = `${name}.${createdAt}`;
    const flipped = `${mac.startsWith('A') ? 'B' : 'A'}${mac.slice(1)}`;
    // The last character of 32 bytes in base64url has two unused bits.
    const respelled = mac.slice(0, -1) + BASE64URL.charAt(BASE64URL.indexOf(mac.slice(-1)) + 1);
    for (const forged of [
      `${head}.${expiry}.${flipped}`,
      `${head}.${expiry}.${respelled}`,
      `${head}.${Number(expiry) + 1}.${mac}`,
      `${head}.0${expiry}.${mac}`,
      `${name}.${Number(createdAt) + 1}.${expiry}.${mac}`,
      `jk_${other.id}.${createdAt}.${expiry}.${mac}`,
      `${head}.${expiry}.${other.accessToken.split('.')[3]}`,
      accessToken.slice(0, -1),
      `${accessToken}A`,
      `${head}.${expiry}.`,
      `${head}.${expiry}`,
      head,
      name,
      'jk_',
    ]) {
      for (const way of WAYS) {
        const answer = await holder(app, way, forged).rest(`/api/jobs/${id}`);
        expect({ forged, status: answer.status }).toEqual({ forged, status: 401 });
        expect(answer.headers.get('www-authenticate')).toBe(
          'Bearer realm="Accepted", error="invalid_token", error_description="The access token is not valid."',
        );
        expect(codeOf(await holder(app, way, forged).graphql('{ __typename }'))).toBe('UNAUTHENTICATED');
      }
    }
    // The problem does not repeat the token from the URL.
    const { body } = await holder(app, 'a query parameter', `${accessToken}A`).rest(`/api/jobs/${id}?onPending=ok`);
    expect(body).toMatchObject({ instance: `/api/jobs/${id}?onPending=ok` });
  });

  it('is in the reply to a retry too', async () => {
    script('fails', async () => {
      throw new JobError('BROKEN', 'As scripted.', { retry: false });
    });
    const { id } = await submit('fails');
    await poll(
      () => ada().rest(`/api/jobs/${id}?onComplete=status`),
      ({ body }) => submittedSchema.partial().parse(body).status === 'Failed',
    );
    const { status, body } = await ada().rest(`/api/jobs/${id}/retry`, { method: 'POST' });
    expect(status).toBe(202);
    const { accessToken } = submittedSchema.parse(body);
    expect((await holder(app, 'a bearer token', accessToken).rest(`/api/operations/${id}`)).status).toBe(200);
  });
});

describe('the holder of the access token of a job with a resource', () => {
  it('is redirected to the result rather than the resource, which requires the scope read', async () => {
    const app = await startAppForTest('redis', { API_KEYS });
    const { body } = await clientOf(app, bearer(keyOf('ada'))).rest('/api/books', {
      method: 'POST',
      body: BOOK,
    });
    const { id, accessToken } = submittedSchema.parse(body);
    const client = holder(app, 'a bearer token', accessToken);
    const done = await poll(
      () => client.rest(`/api/jobs/${id}`),
      ({ status }) => status === 303,
    );
    expect(done.headers.get('location')).toBe(`${app.url}/api/jobs/${id}/result`);
    expect(done.body).toMatchObject({ resourceUrl: `${app.url}/api/books/key` });
    const followed = await app.fetch(`/api/jobs/${id}`, { redirect: 'follow', headers: bearer(accessToken) });
    expect(await followed.json()).toMatchObject(BOOK);
    expect((await client.rest('/api/books/key')).status).toBe(403);
    expect(codeOf(await client.graphql('{ book(id: "key") { id } }'))).toBe('FORBIDDEN');
    // A client that cannot set headers gets the token in the redirect's URL.
    const led = await app.fetch(`/api/jobs/${id}?access_token=${accessToken}`, { redirect: 'follow' });
    expect(await led.json()).toMatchObject(BOOK);
    // It can also read the result without a redirect.
    const streamed = await app.fetch(`/api/jobs/${id}?onComplete=stream&access_token=${accessToken}`);
    expect(await streamed.json()).toMatchObject(BOOK);
  });
});

describe('the lifetime of an access token', () => {
  const secretOf = (secret: string) => ({ readSecret: async () => secret });
  const job = { id: NOT_THERE, createdAt: new Date(1_799_999_999_999) };
  const expiryOf = (key: string): number => Number(key.split('.')[2]);

  it.each([
    [1, 3600],
    [3600, 3600],
    [86_400, 86_400],
  ])('with a retention of %d s is %d s', async (retention, life) => {
    const before = Math.floor(Date.now() / 1000);
    const expiry = expiryOf(await createJobKeys(secretOf('a'), retention).issue(job));
    expect(expiry).toBeGreaterThanOrEqual(before + life);
    expect(expiry).toBeLessThanOrEqual(Math.floor(Date.now() / 1000) + life);
  });

  it('ends to the second', async () => {
    let now = 1_800_000_000_000;
    const keys = createJobKeys(secretOf('a'), 3600, () => now);
    const key = await keys.issue(job);
    now += 3_599_999;
    await expect(keys.verify(key)).resolves.toEqual({
      kind: 'job-key',
      jobId: NOT_THERE,
      createdAt: 1_799_999_999_999,
    });
    now += 1;
    await expect(keys.verify(key)).rejects.toMatchObject({
      problem: 'unauthenticated',
      message: 'The access token has expired.',
    });
  });

  it('is enforced by a server', async () => {
    const store = await createStore('redis');
    onTestFinished(() => store.remove());
    const app = await startAppForTest('redis', { API_KEYS }, { store });
    const { body } = await clientOf(app, bearer(keyOf('ada'))).rest('/api/books', {
      method: 'POST',
      body: BOOK,
    });
    const { id, createdAt } = submittedSchema.parse(body);
    const redis = new Redis(store.settings.QUEUE_URL ?? '');
    onTestFinished(() => redis.disconnect());
    const secret = (await redis.get('accepted:secret')) ?? '';
    const issuedAgo = (ms: number) =>
      createJobKeys(secretOf(secret), 3600, () => Date.now() - ms).issue({ id, createdAt });
    const read = async (key: string) => clientOf(app, bearer(key)).rest(`/api/operations/${id}`);
    expect((await read(await issuedAgo(0))).status).toBe(200);
    const expired = await read(await issuedAgo(3_600_000));
    expect(expired.status).toBe(401);
    expect(expired.body).toMatchObject({ detail: 'The access token has expired.' });
  });

  it('ends with its job, even if a later job has the same id from an idempotency key', async () => {
    const app = await startAppForTest('redis', { API_KEYS, JOB_RETENTION_SECONDS: '1' });
    const submit = async (title: string) => {
      const { body } = await clientOf(app, bearer(keyOf('ada'))).rest('/api/books', {
        method: 'POST',
        headers: { 'Idempotency-Key': '"again"' },
        body: { ...BOOK, title },
      });
      return submittedSchema.parse(body);
    };
    const first = await submit('First');
    const holdsFirst = clientOf(app, bearer(first.accessToken));
    await poll(
      () => holdsFirst.rest(`/api/jobs/${first.id}`),
      ({ status }) => status === 410,
    );
    const second = await submit('Second');
    expect(second.id).toBe(first.id);
    expect((await holdsFirst.rest(`/api/operations/${second.id}`)).status).toBe(410);
    const holdsSecond = clientOf(app, bearer(second.accessToken));
    expect((await holdsSecond.rest(`/api/operations/${second.id}`)).status).toBe(200);
  });

  it('does not extend to a queue with another secret', async () => {
    const key = await createJobKeys(secretOf('a'), 3600).issue(job);
    await expect(createJobKeys(secretOf('b'), 3600).verify(key)).rejects.toMatchObject({ problem: 'unauthenticated' });
  });
});

describe.each(['redis', 'postgres'] as const)('two servers on %s', (backend) => {
  it('accept each other’s access tokens, and no others', async () => {
    const store = await createStore(backend);
    onTestFinished(() => store.remove());
    const settings = { ...store.settings, API_KEYS };
    const [first, second] = await Promise.all([
      startProcess({ settings }),
      startProcess({ settings: { ...settings, DATA_DIR: `${store.settings.DATA_DIR}-2` } }),
    ]);
    const accepted = await fetch(`${first.url}/api/books`, {
      method: 'POST',
      headers: { ...bearer(keyOf('ada')), 'Content-Type': 'application/json' },
      body: JSON.stringify(BOOK),
    });
    const { id, accessToken } = submittedSchema.parse(await accepted.json());
    const read = (url: string | undefined) => fetch(`${url}/api/operations/${id}`, { headers: bearer(accessToken) });
    expect((await read(second.url)).status).toBe(200);
    const elsewhere = await startAppForTest(backend, { API_KEYS });
    expect((await read(elsewhere.url)).status).toBe(401);
  });
});
