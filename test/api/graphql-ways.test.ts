import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type TestApp, startApp } from '../support/app.ts';
import { poll } from '../support/follow.ts';
import { type Store, createStore } from '../support/stores.ts';

const INPUT = { id: '42', title: ' Jane  Eyre ', isbn: '0-201-53082-1', language: 'EN' };
const SUBMIT = 'mutation ($input: SubmitBookInput!) { submitBook(input: $input) { jobId statusUrl } }';
const ALL = `id type status done percentComplete message attempt maxAttempts createdAt lastUpdatedAt startedAt finishedAt
  expiresAt statusUrl resultUrl resourceUrl retryAfter error { code message } history { attempt error { code } }`;

/** The parameters of a request, valid or not. */
interface Parameters {
  readonly query: unknown;
  readonly variables?: unknown;
  readonly operationName?: unknown;
}

interface Case {
  readonly name: string;
  readonly parameters: Parameters | ((ids: Ids) => Parameters);
  readonly headers?: Record<string, string>;
}

type Ids = Readonly<Record<'succeeded' | 'failed' | 'pending', string>>;

const poll1 = (id: string, fields = ALL): Parameters => ({
  query: `query Job($id: ID!) { jobStatus(id: $id) { ${fields} } }`,
  variables: { id },
});

const CASES: readonly Case[] = [
  // Requests that succeed.
  {
    name: 'directives with variables, on fields and fragments',
    parameters: {
      query: `query ($yes: Boolean!, $no: Boolean!) {
        a: __typename @include(if: $yes) @skip(if: $no)  b: __typename @include(if: $no)
        ... @skip(if: $yes) { c: __typename }  ... on Query @include(if: $yes) { d: __typename @skip(if: $no) }
        ...F @include(if: $yes)  ...G @skip(if: $yes)
      } fragment F on Query { f: __typename @include(if: $no) ...G } fragment G on Query { g: __typename }`,
      variables: { yes: true, no: false },
    },
  },
  {
    name: 'fields that merge from several fragments',
    parameters: ({ succeeded }) => ({
      query: `query ($id: ID!) { jobStatus(id: $id) { id ...A ...B } }
        fragment A on Job { status ... on BookJob { result { id } } error { code } }
        fragment B on Job { id ... on BookJob { result { title id } input { id } } error { message } ... on BookImportJob { result { imported } } }`,
      variables: { id: succeeded },
    }),
  },
  {
    name: 'the first of two operations that share fragments and variables',
    parameters: ({ pending, failed }) => ({
      operationName: 'First',
      query: `query First($id: ID!, $more: Boolean = true) { jobStatus(id: $id) { ...J } }
        query Second($id: ID = "${failed}", $more: Boolean!) { jobStatus(id: $id) { ...J attempt } }
        fragment J on Job { id message @include(if: $more) }`,
      variables: { id: pending, more: false },
    }),
  },
  {
    name: 'variables inside lists and objects, with defaults',
    parameters: {
      query: `query ($one: JobStatus = FAILED, $two: JobStatus!) { jobs(status: [$one, $two], first: 1) { nodes { status } } }`,
      variables: { two: 'SUCCEEDED' },
    },
  },
  {
    name: 'a variable that is absent inside an input object',
    parameters: {
      query:
        'mutation ($name: String!, $isbn: String) { submitBook(input: { id: "1", title: $name, isbn: $isbn }) { job { input { title isbn } } } }',
      variables: { name: 'Ada' },
    },
  },
  {
    name: 'a mutation that is left out',
    parameters: {
      query:
        'mutation ($no: Boolean!) { a: submitBook(input: { id: "1", title: "Emma" }) @include(if: $no) { jobId } b: cancelJob(id: "none") { id } }',
      variables: { no: false },
    },
  },
  {
    name: 'a directive without its variable',
    parameters: { query: 'query ($if: Boolean!) { a: __typename @include(if: $if) }' },
  },
  {
    name: 'a null for a variable with a default',
    parameters: {
      query: 'query ($first: Int = 1) { jobs(first: $first) { pageInfo { hasPreviousPage } } }',
      variables: { first: null },
    },
  },
  {
    name: 'an argument of a list that coerces from a variable of one value',
    parameters: {
      query:
        'query ($type: String, $status: [JobStatus!] = PENDING) { jobs(type: $type, status: $status) { nodes { type } } }',
      variables: { type: 'none' },
    },
  },
  { name: 'a submission', parameters: { query: SUBMIT, variables: { input: INPUT } } },
  {
    name: 'a submission with its input in the document',
    parameters: {
      query:
        'mutation { submitBook(input: {id: "1", title: "Emma \\"the\\" first ${1} `x`"}) { replayed job { status input { title } } } }',
    },
  },
  {
    name: 'two submissions',
    parameters: {
      query:
        'mutation ($i: SubmitBookInput!) { a: submitBook(input: $i) { replayed } b: submitBook(input: $i, idempotencyKey: null) { job { status type } } }',
      variables: { i: INPUT },
    },
  },
  {
    name: 'a replay',
    parameters: {
      query: 'mutation ($i: SubmitBookInput!) { submitBook(input: $i, idempotencyKey: "again") { jobId } }',
      variables: { i: INPUT },
    },
  },
  { name: 'a poll of a pending job', parameters: ({ pending }) => poll1(pending) },
  {
    name: 'a poll of a job that succeeded',
    parameters: ({ succeeded }) =>
      poll1(succeeded, `${ALL} ... on BookJob { input { id publisher } result { id title updatedAt } }`),
  },
  { name: 'a poll of a job that failed', parameters: ({ failed }) => poll1(failed) },
  { name: 'a poll of an unknown job', parameters: poll1('book_AAAAAAAAAAAAAAAAAAAAAA') },
  { name: 'a poll with a malformed id', parameters: poll1('none') },
  { name: 'an id that is a number', parameters: { ...poll1(''), variables: { id: 17 } } },
  {
    name: 'fragments, aliases and directives',
    parameters: ({ succeeded, pending }) => ({
      query: `query Two($a: ID!, $b: ID!, $no: Boolean = false, $yes: Boolean!) {
      a: jobStatus(id: $a) { ...Job ... on BookJob @include(if: $yes) { result { id } } }
      b: jobStatus(id: $b) { ...Job message @skip(if: $yes) attempt @include(if: $no) }
    } fragment Job on Job { __typename id ...More } fragment More on Job { status s: status }`,
      variables: { a: succeeded, b: pending, yes: true },
    }),
  },
  {
    name: 'a list',
    parameters: {
      query:
        'query ($first: Int, $status: [JobStatus!]) { jobs(first: $first, status: $status) { nodes { type } pageInfo { hasPreviousPage } } }',
      variables: { first: 1, status: ['FAILED'] },
    },
  },
  {
    name: 'a list for one value',
    parameters: {
      query: 'query ($s: [JobStatus!]) { jobs(status: $s) { edges { node { status } } } }',
      variables: { s: 'FAILED' },
    },
  },
  {
    name: 'a resource',
    parameters: {
      query: '{ book(id: "42") { id title publisher isbn language } nobody: book(id: "0") { id } }',
    },
  },
  {
    name: 'the schema',
    parameters: { query: '{ __schema { queryType { name } } __type(name: "Job") { kind fields { name } } }' },
  },
  {
    name: 'one of two operations',
    parameters: { operationName: 'B', query: 'query A { a: __typename } query B { b: __typename }' },
  },
  {
    name: 'variables and a name that are null',
    parameters: { query: '{ __typename }', variables: null, operationName: null },
  },
  {
    name: 'variables that the operation does not declare',
    parameters: { query: '{ __typename }', variables: { other: [1, { two: '\u2028' }] } },
  },
  // Requests that fail.
  {
    name: 'another input under a key',
    parameters: {
      query: 'mutation { submitBook(input: {id: "9", title: "Eve"}, idempotencyKey: "again") { jobId } }',
    },
  },
  {
    name: 'a bad key',
    parameters: {
      query: 'mutation { submitBook(input: {id: "9", title: "Eve"}, idempotencyKey: "ä") { jobId } }',
    },
  },
  {
    name: 'input that the job type refuses',
    parameters: { query: SUBMIT, variables: { input: { ...INPUT, title: ' ' } } },
  },
  {
    name: 'a refused submission after an accepted one',
    parameters: {
      query:
        'mutation ($i: SubmitBookInput!) {\n  a: submitBook(input: $i) { replayed }\n  b: submitBook(input: {id: "", title: ""}) {\r\n    replayed\n  }\n}',
      variables: { i: INPUT },
    },
  },
  {
    name: 'input that the GraphQL type refuses',
    parameters: { query: SUBMIT, variables: { input: { id: {}, title: 7, more: 1 } } },
  },
  { name: 'input that is missing', parameters: { query: SUBMIT } },
  { name: 'input that is null', parameters: { query: SUBMIT, variables: { input: null } } },
  {
    name: 'an unknown enum value',
    parameters: { query: 'query ($s: [JobStatus!]) { jobs(status: $s) { nodes { id } } }', variables: { s: ['NONE'] } },
  },
  {
    name: 'a number that is too large',
    parameters: { query: 'query ($f: Int) { jobs(first: $f) { nodes { id } } }', variables: { f: 2 ** 31 } },
  },
  {
    name: 'a page that is too large',
    parameters: { query: '# A comment\n\n{\n  jobs(first: 101) { nodes { id } }\n}' },
  },
  {
    name: 'a wait that is negative',
    parameters: ({ pending }) => ({ query: `{ jobStatus(id: "${pending}", waitSeconds: -1) { id } }` }),
  },
  {
    name: 'a cancellation of an unknown job',
    parameters: { query: 'mutation { cancelJob(id: "book_AAAAAAAAAAAAAAAAAAAAAA") { id } }' },
  },
  {
    name: 'a cancellation of a finished job',
    parameters: ({ failed }) => ({
      query: 'mutation C($id: ID!) { cancelJob(id: $id) { id } }',
      variables: { id: failed },
    }),
  },
  {
    name: 'two retries of a job that succeeded',
    parameters: ({ succeeded }) => ({
      query: 'mutation ($id: ID!) { a: retryJob(id: $id) { id } b: retryJob(id: $id) { id } }',
      variables: { id: succeeded },
    }),
  },
  {
    name: 'a field that fails beside one that succeeds',
    parameters: { query: '{ a: __typename jobs(type: "none") { nodes { id } } book(id: "42") { id } }' },
  },
  { name: 'an unknown field', parameters: { query: '{ jobStatuss }' } },
  { name: 'an unknown enum value in the document', parameters: { query: '{ jobs(status: [NONE]) { nodes { id } } }' } },
  {
    name: 'an undeclared variable',
    parameters: { query: '{ jobStatus(id: $id) { id } }', variables: { id: '1' } },
  },
  { name: 'a syntax error', parameters: { query: '{ jobs(' } },
  { name: 'an empty document', parameters: { query: '' } },
  { name: 'a document that is too deep', parameters: { query: `{ ${'a { '.repeat(21)}b${' }'.repeat(21)} }` } },
  { name: 'two operations and no name', parameters: { query: 'query A { __typename } query B { __typename }' } },
  { name: 'an unknown operation name', parameters: { query: 'query A { __typename }', operationName: 'B' } },
  { name: 'an empty operation name', parameters: { query: 'query A { __typename }', operationName: '' } },
  {
    name: 'a subscription',
    parameters: ({ succeeded }) => ({
      query: 'subscription ($id: ID!) { jobUpdates(id: $id) { status } }',
      variables: { id: succeeded },
    }),
  },
  { name: 'a query that is a number', parameters: { query: 1 } },
  { name: 'variables that are a list', parameters: { query: '{ __typename }', variables: [] } },
  { name: 'a name that is a number', parameters: { query: '{ __typename }', operationName: 1 } },
  // Headers.
  ...[
    '*/*',
    'application/json',
    'application/graphql-response+json',
    'application/graphql-response+json, application/json;q=0.9',
    'application/json, text/plain, */*',
    '*/*, application/graphql-response+json',
    'Application/JSON ; charset=utf-8',
    'application/json; charset=latin1, application/graphql-response+json',
    'text/event-stream, application/json',
    'multipart/mixed, application/json',
    'application/*',
    'text/plain',
    '',
  ].flatMap((accept) =>
    [poll1('none', 'id'), { query: '{ nothing }' }, { query: SUBMIT, variables: { input: { id: '' } } }].map(
      (parameters, index) => ({
        name: `${['a success', 'an invalid document', 'a refused input'][index]}, for ${accept === '' ? 'an empty Accept' : accept}`,
        parameters,
        headers: { Accept: accept },
      }),
    ),
  ),
  {
    name: 'with an idempotency key in the header',
    parameters: { query: SUBMIT, variables: { input: INPUT } },
    headers: { 'Idempotency-Key': '"in-the-head"' },
  },
  {
    name: 'with a bad idempotency key in the header',
    parameters: { query: SUBMIT, variables: { input: INPUT } },
    headers: { 'Idempotency-Key': 'bare' },
  },
  {
    name: 'from a page of another origin',
    parameters: { query: '{ __typename }' },
    headers: { Origin: 'https://app.example.com' },
  },
];

/** Values that differ in every reply. */
const VOLATILE: readonly [RegExp, string][] = [
  [/jk_[\w.-]+/g, 'TOKEN'],
  [/book_(?!A{22})[\w-]{22}/g, 'JOB'],
  [/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME'],
  [/"retryAfter":\d+/g, '"retryAfter":N'],
];

describe('a GraphQL request', () => {
  let store: Store;
  let app: TestApp;
  let ids: Ids;

  const jobSchema = z.object({ id: z.string() });
  const submit = async (to: TestApp, input: object): Promise<string> =>
    jobSchema.parse(await (await to.post('/api/books', input)).json()).id;

  beforeAll(async () => {
    store = await createStore('redis');
    // This app has a worker; the one under test does not, so that its jobs stay pending.
    const worker = await startApp('redis', {}, { store });
    const done = async (input: object): Promise<string> => {
      const id = await submit(worker, input);
      await poll(
        () => worker.fetch(`/api/jobs/${id}`),
        ({ status }) => status === 303,
      );
      return id;
    };
    const succeeded = await done(INPUT);
    const failed = await done({ ...INPUT, isbn: 'call me' });
    await worker.close();
    app = await startApp('redis', { CORS_ORIGINS: 'https://app.example.com' }, { store, role: 'api' });
    ids = { succeeded, failed, pending: await submit(app, INPUT) };
  });
  afterAll(async () => {
    await app.close();
    store.remove();
  });

  async function send(body: object, headers: Record<string, string> = {}) {
    const response = await fetch(`${app.url}/graphql`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    const others = [...response.headers].filter(([name]) => !['date', 'content-length', 'x-request-id'].includes(name));
    let text = await response.text();
    for (const [pattern, name] of VOLATILE) text = text.replaceAll(pattern, name);
    return { status: response.status, headers: others, text };
  }

  it.each(CASES)(
    'has the same reply from the fast path, first and again, as from Yoga: $name',
    async ({ parameters, headers }) => {
      const body = typeof parameters === 'function' ? parameters(ids) : parameters;
      // Uses an idempotency key up, so that all compared replies are replays.
      await send(body, headers);
      // The fast path takes no request with extensions.
      const byYoga = await send({ ...body, extensions: {} }, headers);
      for (let run = 0; run < 2; run += 1) expect(await send(body, headers)).toEqual(byYoga);
      expect(byYoga.status).not.toBe(500);
    },
  );

  it('does not change other operations of the same document', async () => {
    const query = 'query A($x: Boolean!) { ...F @include(if: $x) } query B { ...F } fragment F on Query { __typename }';
    for (let run = 0; run < 4; run += 1) {
      expect(await send({ query, operationName: 'A', variables: { x: false } })).toMatchObject({ text: '{"data":{}}' });
      expect(await send({ query, operationName: 'B' })).toMatchObject({ text: '{"data":{"__typename":"Query"}}' });
    }
  });

  it('is executed once, also when Yoga writes the reply', async () => {
    const query =
      'mutation ($a: SubmitBookInput!, $b: SubmitBookInput!) { a: submitBook(input: $a) { jobId } b: submitBook(input: $b) { jobId } }';
    const count = async (): Promise<number> => {
      const { items } = z
        .object({ items: z.array(z.unknown()) })
        .parse(await (await app.fetch('/api/jobs?limit=100')).json());
      return items.length;
    };
    for (let run = 0; run < 4; run += 1) {
      const before = await count();
      const { text } = await send({ query, variables: { a: INPUT, b: { ...INPUT, title: '' } } });
      expect(text).toContain('BAD_USER_INPUT');
      if (before < 99) expect(await count()).toBe(before + 1);
    }
  });
});
