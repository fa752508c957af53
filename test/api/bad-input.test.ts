import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type TestApp, startApp } from '../support/app.ts';

const JSON_TYPE = 'application/json';

const graphqlErrorSchema = z.object({
  errors: z.array(
    z.object({
      message: z.string(),
      extensions: z.object({
        code: z.string(),
        issues: z.array(z.object({ path: z.array(z.union([z.string(), z.number()])), message: z.string() })).optional(),
      }),
    }),
  ),
});
const problemSchema = z.object({
  type: z.url(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string(),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
});

describe('bad input', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp('redis');
  });
  afterAll(async () => {
    // The process has survived every request above.
    expect((await app.fetch('/health/ready')).status).toBe(200);
    await app.close();
  });

  /** Sends bytes that no HTTP client would send. */
  const sendRaw = async (text: string): Promise<string> => {
    const { hostname, port } = new URL(app.url);
    const socket = connect(Number(port), hostname).setEncoding('utf8');
    socket.write(text);
    let reply = '';
    for await (const chunk of socket) reply += chunk;
    return reply;
  };

  const SUBMIT = 'mutation ($input: SubmitBookInput!) { submitBook(input: $input) { jobId } }';
  const IMPORT = 'mutation ($input: SubmitBookImportInput!) { submitBookImport(input: $input) { jobId } }';

  const sendGraphQL = (body: string, headers: Record<string, string> = {}) =>
    app.fetch('/graphql', { method: 'POST', body, headers: { 'Content-Type': JSON_TYPE, ...headers } });
  const graphqlError = async (query: string, variables?: object) => {
    const response = await sendGraphQL(JSON.stringify({ query, variables }), {
      Accept: 'application/graphql-response+json',
    });
    const { errors } = graphqlErrorSchema.parse(await response.json());
    return { status: response.status, ...errors[0]?.extensions };
  };
  const problem = async (response: Response) => {
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    return problemSchema.parse(await response.json());
  };

  describe.each([
    ['a missing field', { id: '1' }, ['title']],
    ['a number where text belongs', { id: '1', title: 5 }, ['title']],
    ['an unknown field', { id: '1', title: 'Emma', fax: '1' }, ['fax']],
    ['blank text', { id: '1', title: '  ' }, ['title']],
    ['an empty id', { id: '', title: 'Emma' }, ['id']],
    ['a title that is too long', { id: '1', title: 'a'.repeat(201) }, ['title']],
    ['U+0000, which PostgreSQL cannot hold', { id: '1', title: 'A\u0000' }, ['title']],
    ['half a surrogate pair', { id: '1', title: 'A\ud800' }, ['title']],
  ])('%s', (_, input, path) => {
    it('is BAD_USER_INPUT on GraphQL, with the path of the field', async () => {
      const { status, code, issues } = await graphqlError(SUBMIT, { input });
      expect({ status, code }).toEqual({ status: 400, code: 'BAD_USER_INPUT' });
      expect(issues?.map((issue) => issue.path)).toEqual([path]);
    });

    it('is the problem invalid-input on REST, with a pointer to the field', async () => {
      const { type, status, errors } = await problem(await app.post('/api/books', input));
      expect({ type, status }).toEqual({ type: `${app.url}/problems/invalid-input`, status: 400 });
      expect(errors?.map((error) => error.pointer)).toEqual([`#/${path.join('/')}`]);
    });
  });

  it.each(['constructor', 'toString', '__proto__'])(
    'is not found in a variable named %s, which every object inherits',
    async (name) => {
      const query = `query ($${name}: String, $id: ID!) { jobs(type: $${name}) { nodes { id } } jobStatus(id: $id) { id } }`;
      expect((await graphqlError(query, {})).issues).toMatchObject([{ path: ['id'] }]);
    },
  );

  it.each(['constructor', 'toString', '__proto__'])(
    'is a spread of a fragment named %s that is not there',
    async (name) => {
      const { status, code } = await graphqlError(`{ ...${name} }`);
      expect({ status, code }).toEqual({ status: 400, code: 'GRAPHQL_VALIDATION_FAILED' });
    },
  );

  it('stops at the 20th issue', async () => {
    const rows = { books: Array.from({ length: 10_000 }, () => ({ id: {}, title: 1 })) };
    const bySchema = await graphqlError(IMPORT, { input: rows });
    expect(bySchema).toMatchObject({ status: 400, code: 'BAD_USER_INPUT' });
    expect(bySchema.issues).toHaveLength(20);
    const byEnum = await graphqlError('query ($s: [JobStatus!]) { jobs(status: $s) { nodes { id } } }', {
      s: Array(370_000).fill('A'),
    });
    expect(byEnum.issues).toHaveLength(20);
    expect(byEnum.issues?.at(-1)?.path).toEqual(['status', 19]);
  });

  it('has a length that is checked before its items', async () => {
    const input = { books: Array.from({ length: 20_000 }, () => ({ id: {} })) };
    const message = 'Too big: expected array to have <=10000 items';
    const { status, issues } = await graphqlError(IMPORT, { input });
    expect({ status, issues }).toEqual({ status: 400, issues: [{ path: ['books'], message }] });
    const { status: onRest, errors } = await problem(await app.post('/api/book-imports', input));
    expect({ onRest, errors }).toEqual({ onRest: 400, errors: [{ pointer: '#/books', detail: message }] });
  });

  it.each([
    ['language', 'a'.repeat(36)],
    ['isbn', '1'.repeat(21)],
    ['publisher', 'a'.repeat(201)],
    ['title', '😀'.repeat(201)],
    ['id', '1'.repeat(65)],
  ])('is a text that is too long for %s', async (field, text) => {
    const input = { id: '1', title: 'Emma', [field]: text };
    expect((await graphqlError(SUBMIT, { input })).issues).toMatchObject([{ path: [field] }]);
    const { errors } = await problem(await app.post('/api/books', input));
    expect(errors).toMatchObject([{ pointer: `#/${field}` }]);
  });

  it.each([
    ['submitBook(input: { id: "1" }) { jobId }', ['title']],
    ['submitBook(input: { id: "1", title: 5 }) { jobId }', ['title']],
    ['submitBook(input: { id: "1", title: "Emma", fax: "1" }) { jobId }', ['fax']],
    [
      'submitBookImport(input: { books: [{ id: "1", title: "a" }, { id: "2", title: true }] }) { jobId }',
      ['books', 1, 'title'],
    ],
  ])('a literal in the document has a path too: %s', async (field, path) => {
    const { status, code, issues } = await graphqlError(`mutation { ${field} }`);
    expect({ status, code }).toEqual({ status: 400, code: 'BAD_USER_INPUT' });
    expect(issues?.map((issue) => issue.path)).toEqual([path]);
  });

  it.each([
    ['query ($which: ID!) { jobStatus(id: $which) { id } }', { which: null }, ['id']],
    [
      'query ($some: [JobStatus!]) { jobs(status: $some) { nodes { id } } }',
      { some: ['FAILED', 'LOST'] },
      ['status', 1],
    ],
    ['mutation ($name: String!) { submitBook(input: { id: "1", title: $name }) { jobId } }', { name: 5 }, ['title']],
    [
      'mutation ($row: NewBookInput!) { submitBookImport(input: { books: [$row] }) { jobId } }',
      { row: { id: 1.5, title: 'Emma' } },
      ['books', 0, 'id'],
    ],
  ])('a variable for a part of the input has the path of that part: %s', async (query, variables, path) => {
    const { status, code, issues } = await graphqlError(query, variables);
    expect({ status, code }).toEqual({ status: 400, code: 'BAD_USER_INPUT' });
    expect(issues?.map((issue) => issue.path)).toEqual([path]);
  });

  it.each([
    ['half a surrogate pair', '\ud800', '#/%EF%BF%BD'],
    ['a slash and a tilde', 'a/b~', '#/a~1b~0'],
    ['the name of a prototype', 'constructor', '#/constructor'],
  ])('an unknown field of any name has a pointer: %s', async (_, name, pointer) => {
    const { errors } = await problem(await app.post('/api/books', { id: '1', title: 'Emma', [name]: 1 }));
    expect(errors?.map((error) => error.pointer)).toEqual([pointer]);
  });

  it('an error in a list has an index', async () => {
    const books = [
      { id: '1', title: 'Emma' },
      { id: '2', title: 2 },
    ];
    const { issues } = await graphqlError(IMPORT, { input: { books } });
    expect(issues?.map((issue) => issue.path)).toEqual([['books', 1, 'title']]);
  });

  it.each([
    ['no rows', []],
    ['more than 10,000', Array.from({ length: 10_001 }, (_, index) => ({ id: `${index}`, title: 'A' }))],
  ])('an import of %s is rejected', async (_, books) => {
    expect(await graphqlError(IMPORT, { input: { books } })).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect((await app.post('/api/book-imports', { books })).status).toBe(400);
  });

  it('reports at most 20 issues on REST', async () => {
    const input = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`field${index}`, 1]));
    expect((await problem(await app.post('/api/books', input))).errors).toHaveLength(20);
  });

  it('broken JSON is malformed', async () => {
    const response = await sendGraphQL('{"query":');
    expect(response.status).toBe(400);
    graphqlErrorSchema.parse(await response.json());

    const rest = await app.fetch('/api/books', {
      method: 'POST',
      body: '{"id":',
      headers: { 'Content-Type': JSON_TYPE },
    });
    expect(await problem(rest)).toMatchObject({ type: `${app.url}/problems/malformed-request`, status: 400 });
  });

  it('another content type is not supported', async () => {
    expect((await sendGraphQL('{}', { 'Content-Type': 'text/xml' })).status).toBe(415);
    for (const type of ['text/plain', 'application/xml', 'multipart/form-data']) {
      const rest = await app.fetch('/api/books', { method: 'POST', body: '{}', headers: { 'Content-Type': type } });
      expect(await problem(rest)).toMatchObject({ type: `${app.url}/problems/unsupported-media-type`, status: 415 });
    }
  });

  it('a form, which any web page could send, is not supported by GraphQL', async () => {
    const query = 'mutation { submitBook(input: {id: "1", title: "Emma"}) { jobId } }';
    const form = await app.fetch('/graphql', { method: 'POST', body: new URLSearchParams({ query }) });
    expect(form.status).toBe(415);
    graphqlErrorSchema.parse(await form.json());
  });

  it.each(['a b:zz', 'a/b?', '<script>', ''])(
    'an invalid Host is malformed-request, and never part of a URL: "%s"',
    async (host) => {
      for (const path of ['/graphql', '/api/jobs/1']) {
        const reply = await sendRaw(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
        expect(reply).toMatch(/^HTTP\/1\.1 400 /);
        expect(reply).toContain(path === '/graphql' ? '"code":"BAD_REQUEST"' : 'application/problem+json');
        expect(reply).not.toContain('node_modules');
      }
    },
  );

  it.each([
    ['bytes that are not HTTP', 'nonsense\r\n\r\n'],
    ['an invalid path', 'GET /api/jobs/%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'],
  ])('a problem is the reply to %s', async (_, text) => {
    const reply = await sendRaw(text);
    expect(reply).toMatch(/^HTTP\/1\.1 400 /);
    expect(reply).toContain('application/problem+json');
  });

  it('an id of any length is not found', async () => {
    expect(await problem(await app.fetch(`/api/jobs/${'a'.repeat(5000)}`))).toMatchObject({ status: 404 });
  });

  it('only issues of the requested operation are reported', async () => {
    const query =
      'mutation A($input: SubmitBookInput!) { submitBook(input: $input) { jobId } } query B($id: ID!) { jobStatus(id: $id) { id } }';
    const response = await sendGraphQL(JSON.stringify({ query, operationName: 'B' }));
    const { errors } = graphqlErrorSchema.parse(await response.json());
    expect(errors[0]?.extensions.issues?.map((issue) => issue.path)).toEqual([['id']]);
  });

  it('a body of 2 MB is too large', async () => {
    const text = 'a'.repeat(2_000_000);
    const response = await sendGraphQL(
      JSON.stringify({ query: SUBMIT, variables: { input: { id: '1', title: text } } }),
    );
    expect(response.status).toBe(413);
    graphqlErrorSchema.parse(await response.json());
    const rest = await app.post('/api/books', { id: '1', title: text });
    expect(await problem(rest)).toMatchObject({ type: `${app.url}/problems/too-large`, status: 413 });
  });

  it.each([
    'book_AAAAAAAAAAAAAAAAAAAAAA',
    'nothing_AAAAAAAAAAAAAAAAAAAAAA',
    '1',
    ' ',
    '__proto__',
    "'; DROP TABLE job",
  ])('an id that does not exist is null on GraphQL and not-found on REST: %s', async (id) => {
    const { jobStatus } = await app.graphql.request<{ jobStatus: unknown }>(
      'query ($id: ID!) { jobStatus(id: $id) { id } }',
      { id },
    );
    expect(jobStatus).toBeNull();
    const rest = await app.fetch(`/api/jobs/${encodeURIComponent(id)}`);
    expect(await problem(rest)).toMatchObject({ type: `${app.url}/problems/not-found`, status: 404 });
  });

  it('a field that the schema does not have is a validation error, and is not executed', async () => {
    const { status, code } = await graphqlError('{ nope }');
    expect({ status, code }).toEqual({ status: 400, code: 'GRAPHQL_VALIDATION_FAILED' });
  });

  it('a mutation by GET is refused', async () => {
    const query = encodeURIComponent('mutation { submitBook(input: {id: "1", title: "Emma"}) { jobId } }');
    expect((await app.fetch(`/graphql?query=${query}`)).status).toBe(405);
  });
});
