import { join } from 'node:path';
import { getIntrospectionQuery } from 'graphql';
import { createClient } from 'graphql-sse';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type TestApp, startApp, startAppForTest } from '../support/app.ts';
import { script } from '../support/jobs/scripted/scripted.ts';
import { BACKENDS } from '../support/stores.ts';

const JOBS_DIR = join(import.meta.dirname, '../support/jobs/scripted');

/** All fields of a book job. */
const JOB = `fragment job on Job {
  id type status done percentComplete message attempt maxAttempts createdAt lastUpdatedAt startedAt finishedAt expiresAt
  error { code message } statusUrl resultUrl resourceUrl retryAfter
  ... on BookJob { input { id title publisher isbn language } result { id title publisher isbn language updatedAt } }
}`;

const repeat = (count: number, part: (index: number) => string): string =>
  Array.from({ length: count }, (_, i) => part(i)).join(' ');

describe('a GraphQL document', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp('redis');
  });
  afterAll(async () => {
    // None of the documents above stopped the process.
    expect((await app.fetch('/health/ready')).status).toBe(200);
    await app.close();
  });

  const send = (body: object | string, headers: Record<string, string> = {}) =>
    app.fetch('/graphql', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });

  it.each([
    ['nested 2,000 deep', `${'{a '.repeat(2000)}${'}'.repeat(2000)}`, 'brackets'],
    [
      'with a value nested 2,000 deep',
      `{ jobs(type: ${'['.repeat(2000)}${']'.repeat(2000)}) { nodes { id } } }`,
      'brackets',
    ],
    ['of 1.4 MB', `{${' a'.repeat(700_000)} }`, 'characters'],
    ['of 50,000 tokens', `{${' a'.repeat(49_000)} }`, 'tokens'],
    ['with 51 aliases', `{ ${repeat(51, (index) => `a${index}: __typename`)} }`, 'aliases'],
    ['with 51 directives', `{ __typename ${'@skip(if: false) '.repeat(51)}}`, 'directives'],
    ['with 21 operations', repeat(21, (index) => `query q${index} { __typename }`), 'operations'],
    [
      'whose fragments are deep one inside the other',
      `{ ...f0 } ${repeat(21, (index) => `fragment f${index} on Query { a { ...f${index + 1} } }`)} fragment f21 on Query { a }`,
      'fields inside',
    ],
    [
      'whose fragments double 40 times',
      `{ ...f0 } ${repeat(40, (index) => `fragment f${index} on Query { ...f${index + 1} ...f${index + 1} }`)} fragment f40 on Query { __typename }`,
      'fields, with those',
    ],
    ...[
      ['that it reads an empty page of', '{ jobs(first: 0) { nodes { ...f0 } } }', 'Job', 'id'],
      ['that introspection reads', '{ __schema { types { ...f0 } } }', '__Type', 'name'],
      ['that no operation uses', '{ __typename }', 'Query', '...unknown'],
    ].map(([what, query, type, end]) => [
      `whose fragments double 40 times, and ${what}`,
      `${query} ${repeat(40, (index) => `fragment f${index} on ${type} { ...f${index + 1} ...f${index + 1} }`)} fragment f40 on ${type} { ${end} }`,
      'fields, with those',
    ]),
    [
      'with 101 fragments',
      `{ ...f0 } ${repeat(101, (index) => `fragment f${index} on Query { __typename }`)}`,
      'fragments',
    ],
    [
      'with a field 101 times',
      `{ ${repeat(101, () => 'jobStatus(id: "1", waitSeconds: 1) { id }')} }`,
      'fields with the same name',
    ],
    [
      'that reads the schema forty times',
      `{ ${repeat(40, (index) => `a${index}: __schema { types { fields { args { name description type { kind ofType { kind name } } } } } }`)} }`,
      'schema too many times',
    ],
    [
      'with a negative page beside several full ones',
      `{ n: jobs(first: -100000) { nodes { ...job } } ${repeat(4, (index) => `p${index}: jobs(first: 100) { nodes { ...job } }`)} } ${JOB}`,
      'values',
    ],
    [
      'that requests several full pages',
      `query ($first: Int) { ${repeat(4, (index) => `p${index}: jobs(first: $first) { nodes { ...job } }`)} } ${JOB}`,
      'values',
    ],
    [
      'that requests the inputs of a hundred imports',
      '{ jobs(first: 100) { nodes { ... on BookImportJob { input { books { id title publisher } } } } } }',
      'values',
    ],
  ])('%s is refused', async (_, query, reason) => {
    const response = await send({ query });
    expect(response.status).toBe(400);
    const body = await response.text();
    expect(JSON.parse(body)).toEqual({
      errors: [{ message: expect.stringContaining(reason), extensions: { code: 'BAD_REQUEST' } }],
    });
    expect(body).not.toContain('node_modules');
  });

  it('beyond the limits is refused however it is sent', async () => {
    const query = `{ jobs(first: 0) { nodes { ...f0 } } } ${repeat(40, (index) => `fragment f${index} on Job { ...f${index + 1} ...f${index + 1} }`)} fragment f40 on Job { id }`;
    const url = `/graphql?query=${encodeURIComponent(query)}`;
    const replies = await Promise.all([
      app.fetch(url),
      app.fetch(url, { headers: { Accept: 'text/event-stream' } }),
      send({ query }),
      send({ query }, { Accept: 'text/event-stream' }),
      send({ query }, { Accept: 'multipart/mixed' }),
      send({ query, extensions: {} }),
    ]);
    for (const reply of replies) expect(await reply.text()).toContain('fields, with those');
  });

  it('with introspection in circles is refused', async () => {
    const query = `{ __schema { types { ${'fields { type { '.repeat(6)} name ${'} } '.repeat(6)} } } }`;
    const response = await send({ query }, { Accept: 'application/graphql-response+json' });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('schema too many times');
  });

  it('whose fragments spread each other is refused', async () => {
    const query = '{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }';
    const response = await send({ query }, { Accept: 'application/graphql-response+json' });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('within itself');
  });

  it.each([
    ['introspection', getIntrospectionQuery({ oneOf: true, specifiedByUrl: true, inputValueDeprecation: true })],
    [
      'a full page of jobs, twice',
      `{ jobs(first: 100) { nodes { ...job } edges { cursor node { ...job } } pageInfo { endCursor } } } ${JOB}`,
    ],
    [
      'fifty jobs by their ids',
      `{ ${repeat(50, (index) => `j${index}: jobStatus(id: "${index}") { ...job }`)} } ${JOB}`,
    ],
    [
      'twenty imports',
      '{ jobs { nodes { ... on BookImportJob { input { books { id } } result { imported rejected { index message } } } } } }',
    ],
  ])('that requests %s is executed', async (_, query) => {
    const response = await send({ query });
    expect(await response.json()).toEqual({ data: expect.any(Object) });
    expect(response.status).toBe(200);
  });

  it('is executed while others are refused', async () => {
    const refused = Array.from({ length: 20 }, (_, index) => send({ query: `{${' a'.repeat(4000)} } # ${index}` }));
    const answered = send({ query: '{ __typename }' });
    expect(await (await answered).json()).toEqual({ data: { __typename: 'Query' } });
    for (const response of await Promise.all(refused)) await response.text();
  });

  it('in a batch is refused', async () => {
    const response = await send([{ query: '{ __typename }' }]);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ message: expect.stringContaining('Batching') }] });
  });

  it.each(['', '{}', 'null', '5', '"text"'])('is required: the body %s is refused', async (body) => {
    const response = await send(body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
  });

  it.each(['HEAD', 'GET'])('with a mutation is refused for %s, and not executed', async (method) => {
    const query = encodeURIComponent('mutation { submitBook(input: {id: "1", title: "Emma"}) { jobId } }');
    const response = await app.fetch(`/graphql?query=${query}`, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
    expect((await (await app.fetch('/api/jobs')).json()).items).toEqual([]);
  });

  it.each([
    [
      'multipart/form-data; boundary=x',
      '--x\r\nContent-Disposition: form-data; name="query"\r\n\r\n{__typename}\r\n--x--',
    ],
    ['application/x-www-form-urlencoded', 'query={__typename}'],
    ['text/plain', '{"query":"{__typename}"}'],
    ['application/graphql', '{__typename}'],
    ['application/json; charset=utf-16', '{"query":"{__typename}"}'],
  ])('is not read from %s', async (type, body) => {
    const response = await send(body, { 'Content-Type': type });
    expect(response.status).toBe(415);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
  });

  it('of invalid JSON is refused without repeating it', async () => {
    const response = await send('{"query": secret');
    expect(response.status).toBe(400);
    const text = await response.text();
    expect(text).not.toMatch(/originalError|SyntaxError|secret/);
  });

  it.each([
    ['OPTIONS', 'GET, POST, HEAD, OPTIONS', 204],
    ['PUT', 'GET, POST, HEAD, OPTIONS', 405],
    ['DELETE', 'GET, POST, HEAD, OPTIONS', 405],
    ['PATCH', 'GET, POST, HEAD, OPTIONS', 405],
  ])('is not accepted by %s, whose reply allows %s', async (method, allow, status) => {
    const response = await app.fetch('/graphql', { method });
    expect(response.status).toBe(status);
    expect(response.headers.get('allow')).toBe(allow);
    await response.text();
  });

  it('sent with HEAD gets the headers of GET, and no body', async () => {
    const head = await app.fetch('/graphql?query={__typename}', { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(head.headers.get('content-type')).toBe('application/graphql-response+json; charset=utf-8');
    expect(await head.text()).toBe('');
  });

  it.each([
    ['parsed', 'subscription {', {}, 'Syntax Error'],
    ['valid', 'subscription { nope }', {}, 'Cannot query field'],
    ['within the limits', `${'{a '.repeat(60)}${'}'.repeat(60)}`, {}, 'brackets'],
    ['given its variables', 'subscription ($id: ID!) { jobUpdates(id: $id) { id } }', { id: null }, 'id: Expected'],
  ])('of a subscription that is not %s is answered with an error event', async (_, query, variables, message) => {
    const response = await send({ query, variables }, { Accept: 'text/event-stream' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    await response.body?.cancel();
    const client = createClient({ url: `${app.url}/graphql`, retryAttempts: 0 });
    onTestFinished(() => client.dispose());
    const results = await Array.fromAsync(client.iterate({ query, variables }));
    expect(results).toMatchObject([{ errors: [{ message: expect.stringContaining(message) }] }]);
  });
});

describe.each(BACKENDS)('the inputs that a query reads on %s', (backend) => {
  it('count as large as they are, one after the other, and other callers get their answers meanwhile', async () => {
    const app = await startAppForTest(backend, {}, { role: backend === 'embedded' ? 'all' : 'api' });
    const books = Array.from({ length: 3000 }, (_, index) => ({
      id: `${index}`,
      title: 'x'.repeat(60),
    }));
    // The embedded store has one session, which the work of the jobs would share with the readers.
    expect((await app.post('/api/job-types/bookImport/pause', {})).status).toBe(200);
    for (let count = 0; count < 25; count += 1)
      expect((await app.post('/api/book-imports', { books })).status).toBe(202);
    const query = `{ empty: jobs(first: -1000) { nodes { id } } jobs(first: 25) { nodes {
      ... on BookImportJob { input { books { id } } }
    } } }`;
    const one = '{ jobs(first: 1) { nodes { ... on BookImportJob { input { books { id title } } } } } }';
    const send = async (text: string) => (await app.post('/graphql', { query: text })).text();
    const [, ...others] = await Promise.all([
      send(query.replace('empty: jobs(first: -1000) { nodes { id } }', '')),
      ...Array.from({ length: 20 }, () => app.fetch('/api/jobs?limit=1')),
      ...Array.from({ length: 20 }, () => app.post('/graphql', { query: '{ jobs(first: 1) { nodes { id } } }' })),
    ]);
    for (const other of others) if (other instanceof Response) expect(other.status).toBe(200);
    const reply = await send(query.replace('empty: jobs(first: -1000) { nodes { id } }', ''));
    expect(reply.length).toBeLessThan(5_000_000);
    expect(reply).toContain('characters of inputs');
    expect(await send(one)).not.toContain('errors');
    // A negative page is refused, and does not make the other one free.
    expect(await send(query)).toContain('Invalid page size');
  });

  it('have a number of values, whatever the document assumes', async () => {
    const app = await startAppForTest(backend, {}, { role: backend === 'embedded' ? 'all' : 'api' });
    const books = Array.from({ length: 10_000 }, (_, index) => ({ id: `${index}`, title: 'x' }));
    expect((await app.post('/api/book-imports', { books })).status).toBe(202);
    const rows = (count: number): string =>
      repeat(count, (index) => `r${index}: books { id title publisher isbn language }`);
    const send = async (fields: string) =>
      (
        await app.post('/graphql', {
          query: `{ jobs(first: 1) { nodes { ... on BookImportJob { input { ${fields} } } } } }`,
        })
      ).text();
    expect(await send(rows(2))).not.toContain('errors');
    expect(await send(rows(3))).toContain('100,000 values in its lists');
  });
});

describe.each(BACKENDS)('the results of the jobs in lists on %s', (backend) => {
  it('count as large as they are, whether or not the query shows them', async () => {
    const app = await startAppForTest(backend, { JOBS_DIR });
    script(`large-${backend}`, async () => ({ text: 'x'.repeat(1_000_000) }));
    for (let count = 0; count < 3; count += 1) {
      const headers = { 'Content-Type': 'application/json', Prefer: 'wait=30' };
      const body = JSON.stringify({ text: `large-${backend}` });
      const response = await app.fetch('/api/scripted-jobs', { method: 'POST', headers, body });
      expect(response.status).toBe(200);
      await response.text();
    }
    const list = await (await app.fetch('/api/jobs')).json();
    expect(list).toMatchObject({ items: [{}, {}], nextCursor: expect.any(String) });
    const send = async (pages: number) => {
      const query = `{ ${repeat(pages, (index) => `p${index}: jobs { nodes { id } pageInfo { hasNextPage } }`)} }`;
      return (await app.post('/graphql', { query })).json();
    };
    const page = { nodes: [{}, {}], pageInfo: { hasNextPage: true } };
    const two = await send(2);
    expect(two).toMatchObject({ data: { p0: page, p1: page } });
    expect(two).not.toHaveProperty('errors');
    expect(await send(3)).toMatchObject({
      errors: [{ message: expect.stringContaining('characters of inputs and results') }],
    });
  });
});

describe('GRAPHQL_INTROSPECTION=off', () => {
  it('hides the schema, and suggests no names', async () => {
    const app = await startAppForTest('redis', { GRAPHQL_INTROSPECTION: 'off' });
    const send = async (query: string, variables: object = {}): Promise<string> => {
      const response = await app.fetch('/graphql', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Accept: 'application/graphql-response+json' },
        body: JSON.stringify({ query, variables }),
      });
      expect(response.status).toBe(400);
      return response.text();
    };
    expect(await send(getIntrospectionQuery())).toContain('introspection has been disabled');
    expect(await send('{ __type(name: "Job") { name } }')).toContain('introspection has been disabled');
    const wrong = [
      await send('{ jobStatuss(id: "1") { id } }'),
      await send('{ jobStatus(idd: "1") { id } }'),
      await send('{ jobStatus(id: "1") { ... on BookJobb { id } } }'),
      await send('{ jobs(status: [FAILE]) { nodes { id } } }'),
      await send('mutation { submitBook(input: { id: "1", titl: "Emma" }) { jobId } }'),
      await send('query ($status: [JobStatus!]) { jobs(status: $status) { nodes { id } } }', { status: ['FAILE'] }),
      await send('mutation ($input: SubmitBookInput!) { submitBook(input: $input) { jobId } }', {
        input: { id: '1', titl: 'Emma' },
      }),
    ];
    for (const text of wrong) expect(text).not.toMatch(/did you mean/i);
    expect(await app.graphql.request('{ __typename }')).toEqual({ __typename: 'Query' });
  });

  it('is on by default, with suggestions', async () => {
    const app = await startAppForTest('redis');
    const response = await app.fetch('/graphql?query={jobStatuss}');
    expect(await response.text()).toContain('Did you mean');
  });
});
