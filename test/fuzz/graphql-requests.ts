import * as fc from 'fast-check';
import { operation } from './graphql-documents.ts';
import { brokenJson, contentType, deepJson, hostileHeaders, hostileJson, hostileText } from './hostile-values.ts';
import type { Operation } from './print-operation.ts';
import type { FuzzRequest } from './send.ts';

/** A request, and the properties of its reply that are known in advance. */
export interface GraphQLRequest extends FuzzRequest {
  /** Whether the document and its variables are valid, and the request is well-formed. */
  readonly valid: boolean;
}

const JSON_TYPE = 'application/json';

const knownJob = fc.nat({ max: 5000 }).map((place) => `{job:${place}}`);

/** Text that can be sent, mostly an id or a name. */
const plainText = fc.oneof(
  { arbitrary: knownJob, weight: 3 },
  { arbitrary: fc.string({ minLength: 1, maxLength: 20 }), weight: 2 },
  fc.constantFrom('Jane Eyre', 'Penguin', '0201530821', 'EN'),
);

function post(body: unknown, kind: Operation['kind'], accept?: string): FuzzRequest {
  const Accept = accept ?? (kind === 'subscription' ? 'text/event-stream' : JSON_TYPE);
  return {
    method: 'POST',
    path: '/graphql',
    headers: { 'Content-Type': JSON_TYPE, Accept },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  };
}

function get({ document, variables }: Operation): FuzzRequest {
  const search = new URLSearchParams({ query: document, variables: JSON.stringify(variables) });
  return { method: 'GET', path: `/graphql?${search}`, headers: { Accept: JSON_TYPE } };
}

const valid = fc
  .tuple(operation(plainText), fc.boolean(), fc.constantFrom(JSON_TYPE, 'application/graphql-response+json', undefined))
  .map(([asked, byGet, accept]): GraphQLRequest => {
    const { kind, document: query, variables } = asked;
    const canGet = byGet && kind === 'query';
    return {
      ...(canGet ? get(asked) : post({ query, variables }, kind, kind === 'subscription' ? undefined : accept)),
      valid: true,
    };
  });

/** Valid by the schema; the values may still be refused. */
const hostileValues = operation(fc.oneof({ arbitrary: hostileText, weight: 2 }, plainText)).map(
  ({ kind, document: query, variables }): GraphQLRequest => ({ ...post({ query, variables }, kind), valid: false }),
);

/** A valid document with a part removed, doubled or replaced. */
const spoiled = fc
  .tuple(
    operation(plainText),
    fc.nat(),
    fc.nat({ max: 12 }),
    fc.oneof(fc.constantFrom(...'{ } ( ) [ ] ! $ @ : | & " # \\ ... null'.split(' ')), hostileText),
  )
  .map(([{ kind, document, variables }, at, length, piece]): GraphQLRequest => {
    const place = at % document.length;
    const query = document.slice(0, place) + piece + document.slice(place + length);
    return { ...post({ query, variables }, kind), valid: false };
  });

/** Invalid variables for documents that require some. */
const wrongVariables = fc
  .tuple(
    fc.constantFrom(
      'query ($id: ID!, $wait: Int) { jobStatus(id: $id, waitSeconds: $wait) { id } }',
      'query ($first: Int, $after: String, $status: [JobStatus!]) { jobs(first: $first, after: $after, status: $status) { nodes { id } } }',
      'mutation ($input: SubmitBookInput!, $key: String) { submitBook(input: $input, idempotencyKey: $key) { jobId } }',
      'mutation ($input: SubmitBookImportInput!) { submitBookImport(input: $input) { jobId } }',
      'subscription ($id: ID!) { jobUpdates(id: $id) { id } }',
    ),
    fc.dictionary(
      fc.constantFrom('id', 'wait', 'first', 'after', 'status', 'input', 'key', '__proto__', 'constructor'),
      hostileJson.filter((value) => value !== 0 || !Object.is(value, -0)),
      { maxKeys: 4 },
    ),
  )
  .map(([query, variables]): GraphQLRequest => ({
    ...post({ query, variables }, query.startsWith('subscription') ? 'subscription' : 'query'),
    valid: false,
  }));

const DEPTHS = [20, 300, 5000, 20_000] as const;

/** Documents that are more expensive to process than to send. */
const costly = fc
  .tuple(
    fc.constantFrom<(times: number) => string>(
      (times) => '{'.repeat(times),
      (times) => `{ ${'jobs { nodes '.repeat(times)} { id } ${'}'.repeat(times)} }`,
      (times) => `{ ${'... { '.repeat(times)} __typename ${'}'.repeat(times)} }`,
      (times) => `{ jobs(status: ${'['.repeat(times)}${']'.repeat(times)}) { nodes { id } } }`,
      (times) => `query ($a: ${'['.repeat(times)}Int${']'.repeat(times)}) { __typename }`,
      (times) => `{ book(id: ${'{a:'.repeat(times)}1${'}'.repeat(times)}) { id } }`,
      (times) => `{ ${Array.from({ length: times }, (_, index) => `a${index}: __typename`).join(' ')} }`,
      (times) => `{ __typename ${'@skip(if: false) '.repeat(times)} }`,
      (times) => `{ jobs { nodes { ${'id '.repeat(times)} } } }`,
      (times) => `{ jobs { ${'...F '.repeat(times)} } } fragment F on JobConnection { nodes { id } }`,
      (times) => `"${'a'.repeat(times)}" ${'#'.repeat(times)}`,
      (times) => `{ __schema { types { ${'fields { type { '.repeat(times)} name ${'} } '.repeat(times)} } } }`,
    ),
    fc.constantFrom(...DEPTHS),
  )
  .map(([write, times]): GraphQLRequest => ({ ...post({ query: write(times) }, 'query'), valid: false }));

const ODD_DOCUMENTS = [
  '',
  ' ',
  '#',
  '{',
  '}',
  'query',
  '{ __proto__ }',
  '{ constructor { prototype } }',
  '{ __typename @nope }',
  '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }',
  '{ ...A } fragment A on Query { ...A }',
  '{ ...Missing }',
  'query A { __typename } query B { __typename }',
  'query A { __typename } query A { __typename }',
  'type Query { a: Int }',
  'extend type Query { a: Int }',
  'query ($a: Missing) { __typename }',
  'query ($a: Int = "x") { __typename }',
  'query ($a: Int, $a: Int) { __typename }',
  'mutation { cancelJob(id: "x") { id } retryJob(id: "x") { id } }',
  'subscription { a: jobUpdates(id: "x") { id } b: jobUpdates(id: "y") { id } }',
  'subscription { __typename }',
  '{ jobs(first: 99999999999999999999) { nodes { id } } }',
  '{ jobs(first: -1, after: "") { nodes { id } } }',
  '{ jobStatus(id: """block\u0000""") { id } }',
  '{ jobStatus(id: "\\uD800") { id } }',
  '{ jobStatus(id: "\\u{110000}") { id } }',
  'query @defer { ... @defer { __typename } }',
  '{ jobs { nodes @stream { id } } }',
];

/** Requests with an unusual body or URL. */
const oddForms = fc.oneof(
  fc
    .tuple(fc.constantFrom(...ODD_DOCUMENTS), hostileText)
    .map(([query, operationName]) => post({ query, operationName }, 'query')),
  fc.constantFrom(...ODD_DOCUMENTS).map((query) => post({ query }, 'query')),
  fc
    .record(
      {
        query: fc.oneof(fc.constant('{ __typename }'), hostileJson),
        variables: hostileJson,
        operationName: hostileJson,
        extensions: hostileJson,
        fax: hostileJson,
      },
      { requiredKeys: [] },
    )
    .map((body) => post(body, 'query')),
  brokenJson.map((body) => post(body, 'query')),
  deepJson.map((variables) => post(`{"query":"{ __typename }","variables":${variables}}`, 'query')),
  fc.array(fc.constant({ query: '{ __typename }' }), { maxLength: 20 }).map((batch) => post(batch, 'query')),
  fc.tuple(contentType, hostileHeaders).map(([type, headers]) => {
    const { headers: own, ...request } = post({ query: '{ __typename }' }, 'query', '*/*');
    const { 'Content-Type': _, ...others } = own;
    return { ...request, headers: { ...others, ...headers, ...(type !== undefined && { 'Content-Type': type }) } };
  }),
  fc
    .tuple(
      fc.constantFrom('GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'POST'),
      fc.dictionary(
        fc.constantFrom('query', 'variables', 'operationName', 'extensions', 'raw'),
        fc.oneof(fc.constantFrom(...ODD_DOCUMENTS), hostileText),
        { maxKeys: 4 },
      ),
      hostileHeaders,
    )
    .map(([method, search, headers]) => ({
      method,
      path: `/graphql?${new URLSearchParams(Object.entries(search).map(([name, value]) => [name, value.toWellFormed()]))}`,
      headers: { Accept: JSON_TYPE, ...headers },
    })),
  fc
    .array(
      fc.constantFrom(
        'query={__typename}',
        'query=',
        'query',
        'variables={',
        'variables=%zz',
        'extensions=[]',
        'query=%7B__typename%7D',
        '&',
        '=',
        '%',
      ),
      { maxLength: 5 },
    )
    .map((parts) => ({ method: 'GET', path: `/graphql?${parts.join('&')}`, headers: { Accept: JSON_TYPE } })),
);

/** Requests to `/graphql`: valid, nearly valid, and hostile ones. */
export const graphqlRequest: fc.Arbitrary<GraphQLRequest> = fc.oneof(
  { arbitrary: valid, weight: 10 },
  { arbitrary: hostileValues, weight: 4 },
  { arbitrary: spoiled, weight: 4 },
  { arbitrary: wrongVariables, weight: 4 },
  { arbitrary: oddForms.map((request) => ({ ...request, valid: false })), weight: 8 },
  { arbitrary: costly, weight: 1 },
);
