import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type TestApp, startApp } from '../support/app.ts';
import { createGate } from '../support/gate.ts';
import { script } from '../support/jobs/scripted/scripted.ts';
import { BACKENDS } from '../support/stores.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');

const replySchema = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z
    .array(
      z.object({
        message: z.string(),
        extensions: z.object({
          code: z.string().optional(),
          issues: z
            .array(z.object({ path: z.array(z.union([z.string(), z.number()])), message: z.string() }))
            .optional(),
        }),
      }),
    )
    .optional(),
});

/** The contract's section on GraphQL, sentence by sentence. */
describe.each(BACKENDS)('GraphQL on %s', (backend) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(backend, { JOBS_DIR });
  });
  afterAll(() => app.close());

  const ask = async (query: string, variables: object = {}, headers: Record<string, string> = {}) => {
    const response = await app.fetch('/graphql', {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/graphql-response+json',
        ...headers,
      },
      body: JSON.stringify({ query, variables }),
    });
    return { status: response.status, headers: response.headers, ...replySchema.parse(await response.json()) };
  };
  const SUBMIT = `mutation ($text: String!, $key: String) {
    submitScripted(input: { text: $text }, idempotencyKey: $key) { jobId statusUrl replayed job { id status } }
  }`;
  const submit = async (text: string = randomUUID()): Promise<string> => {
    const { data } = await ask(SUBMIT, { text });
    return z.object({ jobId: z.string() }).parse(data?.['submitScripted']).jobId;
  };
  const running = async () => {
    const text = randomUUID();
    const gate = createGate();
    script(text, async () => {
      await gate.pass();
      return { text };
    });
    const id = await submit(text);
    await gate.reached;
    return { id, open: gate.open };
  };
  const WAIT = 'query ($id: ID!, $seconds: Int) { jobStatus(id: $id, waitSeconds: $seconds) { status done } }';

  it('POST accepts queries and mutations, and GET only queries', async () => {
    const get = (query: string) => app.fetch(`/graphql?query=${encodeURIComponent(query)}`);
    expect((await get('{ __typename }')).status).toBe(200);
    expect((await get('mutation { submitScripted(input: { text: "a" }) { jobId } }')).status).toBe(405);
  });

  it('a submission returns its job id, status URL and job at once, with replayed: false', async () => {
    const { data } = await ask(SUBMIT, { text: randomUUID() });
    expect(data).toMatchObject({
      submitScripted: {
        statusUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/api\/jobs\/scripted_/),
        replayed: false,
        job: { status: 'PENDING' },
      },
    });
  });

  it('the same caller, type and key return the same job with replayed: true, by argument or header', async () => {
    const text = randomUUID();
    const key = randomUUID();
    const first = await ask(SUBMIT, { text, key });
    const again = await ask(SUBMIT, { text, key });
    const byHeader = await ask(SUBMIT, { text }, { 'Idempotency-Key': `"${key}"` });
    const { jobId } = z.object({ jobId: z.string() }).parse(first.data?.['submitScripted']);
    for (const { data } of [again, byHeader]) expect(data).toMatchObject({ submitScripted: { jobId, replayed: true } });
    const other = await ask(SUBMIT, { text: 'another', key });
    expect(other).toMatchObject({ status: 422, errors: [{ extensions: { code: 'IDEMPOTENCY_KEY_REUSED' } }] });
  });

  it('jobStatus is null for an unknown job', async () => {
    for (const id of ['x', 'scripted_AAAAAAAAAAAAAAAAAAAAAA', 'none_AAAAAAAAAAAAAAAAAAAAAA']) {
      expect((await ask(WAIT, { id })).data).toEqual({ jobStatus: null });
      expect((await ask(WAIT, { id, seconds: 1 })).data).toEqual({ jobStatus: null });
    }
  });

  it('jobStatus(waitSeconds) holds the reply until the job is done, or the seconds are over', async () => {
    const { id, open } = await running();
    expect((await ask(WAIT, { id, seconds: 1 })).data).toEqual({ jobStatus: { status: 'RUNNING', done: false } });
    const held = ask(WAIT, { id, seconds: 60 });
    open();
    expect((await held).data).toEqual({ jobStatus: { status: 'SUCCEEDED', done: true } });
  });

  it('cancelJob ends a running job, and retryJob returns it to the queue', async () => {
    const { id, open } = await running();
    const { data } = await ask('mutation ($id: ID!) { cancelJob(id: $id) { id status } }', { id });
    expect(data).toMatchObject({ cancelJob: { id } });
    expect((await ask(WAIT, { id, seconds: 60 })).data).toEqual({ jobStatus: { status: 'CANCELED', done: true } });
    open();
    const retried = await ask('mutation ($id: ID!) { retryJob(id: $id) { id done maxAttempts } }', { id });
    expect(retried.data).toEqual({ retryJob: { id, done: false, maxAttempts: 4 } });
    expect((await ask(WAIT, { id, seconds: 60 })).data).toEqual({ jobStatus: { status: 'SUCCEEDED', done: true } });
  });

  it('jobs lists the newest first, by type and status, in pages', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 3; index += 1) ids.unshift(await submit());
    await ask(WAIT, { id: ids[0], seconds: 60 });
    const query = `query ($after: String) { jobs(type: "scripted", first: 2, after: $after) {
      edges { cursor node { id } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;
    const pageSchema = z.object({
      edges: z.array(z.object({ cursor: z.string(), node: z.object({ id: z.string() }) })),
      nodes: z.array(z.object({ id: z.string() })),
      pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string(), startCursor: z.string() }),
    });
    const first = pageSchema.parse((await ask(query)).data?.['jobs']);
    expect(first.nodes.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect(first.edges.map(({ node }) => node)).toEqual(first.nodes);
    expect(first.pageInfo).toEqual({
      hasNextPage: true,
      startCursor: first.edges[0]?.cursor,
      endCursor: first.edges[1]?.cursor,
    });
    const second = pageSchema.parse((await ask(query, { after: first.pageInfo.endCursor })).data?.['jobs']);
    expect(second.nodes[0]?.id).toBe(ids[2]);
  });

  it('a header is the key of each submission of a document together with its field', async () => {
    const text = randomUUID();
    const header = { 'Idempotency-Key': `"${randomUUID()}"` };
    const two = `mutation ($text: String!) {
      ...both
    } fragment both on Mutation {
      a: submitScripted(input: { text: $text }) { jobId replayed }
      b: submitScripted(input: { text: "b" }) { jobId replayed }
    }`;
    const bothSchema = z.object({ a: z.object({ jobId: z.string() }), b: z.object({ jobId: z.string() }) });
    const first = bothSchema.parse((await ask(two, { text }, header)).data);
    expect(first.a.jobId).not.toBe(first.b.jobId);
    const again = await ask(two, { text }, header);
    expect(again.data).toEqual({ a: { ...first.a, replayed: true }, b: { ...first.b, replayed: true } });
    const changed = await ask(two, { text: 'another' }, header);
    expect(changed.status).toBe(200);
    expect(changed).toMatchObject({
      data: { a: null, b: first.b },
      errors: [{ extensions: { code: 'IDEMPOTENCY_KEY_REUSED' } }],
    });
  });

  it('unknown properties of a request are ignored', async () => {
    for (const accept of ['application/graphql-response+json', 'application/json', 'text/event-stream']) {
      const response = await app.fetch('/graphql', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Accept: accept },
        body: JSON.stringify({ query: '{ __typename }', id: 'x', extensions: { other: 1 }, constructor: 1 }),
      });
      expect(response.status).toBe(200);
      expect(await response.text()).toContain('{"data":{"__typename":"Query"}}');
    }
  });

  it.each(['POST', 'GET'])('a persisted query without its text asks for it, by %s', async (method) => {
    const extensions = {
      persistedQuery: { version: 1, sha256Hash: 'ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38' },
    };
    const parameters = new URLSearchParams({ extensions: JSON.stringify(extensions) });
    const response = await app.fetch(method === 'GET' ? `/graphql?${parameters}` : '/graphql', {
      method,
      ...(method === 'POST' && {
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ extensions }),
      }),
    });
    expect(await response.json()).toEqual({
      errors: [{ message: 'PersistedQueryNotSupported', extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' } }],
    });
    expect((await ask('{ __typename }')).data).toEqual({ __typename: 'Query' });
  });

  it('a request without a query has the status 400 and says what is missing', async () => {
    const body = JSON.stringify({ variables: {}, operationName: 'A' });
    const headers = { 'Content-Type': 'application/json' };
    const replies = [
      await app.fetch('/graphql', { method: 'POST', headers, body }),
      await app.fetch('/graphql?variables={}', { headers: { Accept: 'application/json' } }),
    ];
    for (const reply of replies) {
      expect(reply.status).toBe(400);
      expect(await reply.json()).toMatchObject({
        errors: [{ message: expect.stringContaining('`query` is missing') }],
      });
    }
  });

  it('an ID that has lost digits as a JSON number is BAD_USER_INPUT', async () => {
    const unsafe = 2 ** 53;
    const replies = [
      await ask('query ($id: ID!) { jobStatus(id: $id) { id } }', { id: unsafe }),
      await ask('query ($id: ID!) { jobStatus(id: $id) { id } }', { id: -1e300 }),
      await ask('query ($first: Int, $id: ID!) { jobs(first: $first) { nodes { id } } jobStatus(id: $id) { id } }', {
        id: unsafe,
      }),
      await ask('{ jobStatus(id: 9007199254740993) { id } }'),
    ];
    for (const { status, errors } of replies) {
      expect(status).toBe(400);
      expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', issues: [{ path: ['id'] }] } }]);
    }
    for (const id of ['9007199254740993', 2 ** 53 - 1])
      expect((await ask('query ($id: ID!) { jobStatus(id: $id) { id } }', { id })).data).toEqual({ jobStatus: null });
  });

  it('a whole number of any safe size is a SafeInt', async () => {
    const query =
      'mutation ($size: SafeInt) { submitScripted(input: { text: "a", size: $size }) { job { input { size } } } }';
    const size = 2 ** 53 - 1;
    expect((await ask(query, { size })).data).toEqual({ submitScripted: { job: { input: { size } } } });
    for (const bad of [2 ** 53, 1.5, '1'])
      expect((await ask(query, { size: bad })).errors).toMatchObject([
        { extensions: { code: 'BAD_USER_INPUT', issues: [{ path: ['size'] }] } },
      ]);
  });

  it('null is taken as absent where the schema says that a field may be null, on both APIs', async () => {
    const { data } = await ask('mutation { submitScripted(input: { text: "a", size: null }) { job { status } } }');
    expect(data).toEqual({ submitScripted: { job: { status: 'PENDING' } } });
    expect((await app.post('/api/scripted-jobs', { text: 'a', size: null })).status).toBe(202);
  });

  it('bad input has the code BAD_USER_INPUT, the status 400, and one issue for each error', async () => {
    const { status, errors } = await ask(
      'mutation { submitScripted(input: { text: "a", size: 1.5, colour: "red" }) { jobId } }',
    );
    expect(status).toBe(400);
    expect(
      errors?.flatMap(({ extensions }) => extensions.issues?.map(({ path }) => path.join('.'))).toSorted(),
    ).toEqual(['colour', 'size']);
    for (const { extensions } of errors ?? []) expect(extensions.code).toBe('BAD_USER_INPUT');
  });

  it.each([
    ['{ jobStatus(id: "x", waitSeconds: -1) { id } }', 'waitSeconds'],
    ['{ jobs(first: 0) { nodes { id } } }', 'first'],
    ['{ jobs(first: 101) { nodes { id } } }', 'first'],
    ['{ jobs(after: "none") { nodes { id } } }', 'after'],
    ['{ jobs(type: "none") { nodes { id } } }', 'type'],
    ['mutation { submitScripted(input: { text: "a" }, idempotencyKey: "") { jobId } }', 'idempotencyKey'],
  ])('a bad argument is named: %s', async (query, argument) => {
    const { errors } = await ask(query);
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', issues: [{ path: [argument] }] } }]);
  });

  it.each(['cancelJob', 'retryJob'])(
    '%s has the code NOT_FOUND for an unknown job, and CONFLICT for one in the wrong state',
    async (name) => {
      const missing = await ask(`mutation { ${name}(id: "x") { id } }`);
      expect(missing).toMatchObject({ status: 404, errors: [{ extensions: { code: 'NOT_FOUND' } }] });
      const id = await submit();
      await ask(WAIT, { id, seconds: 60 });
      const done = await ask(`mutation ($id: ID!) { ${name}(id: $id) { id } }`, { id });
      expect(done).toMatchObject({ status: 409, errors: [{ extensions: { code: 'CONFLICT' } }] });
    },
  );
});
