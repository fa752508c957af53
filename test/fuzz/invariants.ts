/** Expectations for the reply to any request. */
import { expect } from 'vitest';
import { z } from 'zod';
import { PROBLEMS } from '../../src/core/errors.ts';
import type { DocumentedReplies } from '../support/openapi.ts';
import type { GraphQLRequest } from './graphql-requests.ts';
import type { FuzzRequest, Reply } from './send.ts';

/** Text that only an internal error of the code or a library contains. */
const INTERNAL = [
  /\n\s+at |\bat [\w.<>]+ \(|:\d+:\d+\)/,
  /node_modules|node:internal|file:\/\/\/|\/src\/[\w/-]+\.ts|\/dist\/[\w/-]+\.js/,
  /\b(?:Type|Range|Reference|Syntax|Service|GraphQL|Aggregate|Database|Reply|Zod|Deadline|Fastify)Error\b|\bFST_/,
  /\bECONN|\bEPIPE\b|\bETIMEDOUT\b|redis\.call|\buser_script\b|\b(?:INSERT INTO|SELECT .+ FROM|UPDATE .+ SET)\b|\blibrary\.books\b/,
  /Cannot read propert|is not a function|is not iterable|\w is not defined|Maximum call stack|Unexpected token|in JSON at position/,
];

const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().optional(),
  instance: z.string().optional(),
  errors: z.array(z.object({ pointer: z.string().startsWith('#'), detail: z.string() })).optional(),
});

const CODES: ReadonlySet<string> = new Set([
  ...Object.values(PROBLEMS).map(({ code }) => code),
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
  'REQUEST_ENTITY_TOO_LARGE',
]);
const codeSchema = z
  .string()
  .refine((code) => CODES.has(code) && code !== 'INTERNAL_SERVER_ERROR', 'is no code of ours');
const graphqlErrorSchema = z.object({ message: z.string(), extensions: z.looseObject({ code: codeSchema }) });
const graphqlReplySchema = z.union([
  z.object({ data: z.looseObject({}), errors: z.array(graphqlErrorSchema).min(1).optional() }),
  z.object({ data: z.null().optional(), errors: z.array(graphqlErrorSchema).min(1) }),
]);
type GraphQLReply = z.output<typeof graphqlReplySchema>;

/** Codes of errors for a valid document: its values are random, and a busy machine may be late. */
const FOR_VALID: ReadonlySet<string> = new Set([
  'BAD_USER_INPUT',
  'NOT_FOUND',
  'CONFLICT',
  'IDEMPOTENCY_KEY_REUSED',
  'QUEUE_UNAVAILABLE',
]);

const DOCUMENTED = /^\/(api\/|health\/|openapi\.json)/;
const WITHOUT_BODY = new Set([204, 304]);

/** Expects a reply of the REST API or a page to match the contract. */
export async function expectRestReply(
  request: FuzzRequest,
  reply: Reply,
  documented: DocumentedReplies,
): Promise<void> {
  const { status, headers, body } = reply;
  expectNothingInternal(reply);
  // Node itself refuses an unknown expectation (RFC 9110, section 10.1.1).
  if (status === 417) return;
  if (status >= 400 && request.method !== 'HEAD') {
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(problemSchema.parse(JSON.parse(body)).status).toBe(status);
  }
  const [pathname = ''] = request.path.split('?');
  // Node refuses a head that is too long before it reads the path.
  if (request.path.length > 12_000) return;
  // A path that other clients normalize before sending belongs to no operation.
  if (!DOCUMENTED.test(pathname) || new URL(pathname, 'http://localhost').pathname !== pathname) return;
  const response = new Response(WITHOUT_BODY.has(status) ? null : body, { status, headers });
  await documented.expectReply(request.method, request.path, response);
}

/** Expects a reply of the GraphQL API to match GraphQL over HTTP, graphql-sse and the contract. */
export function expectGraphQLReply(request: GraphQLRequest, reply: Reply): void {
  const { status, headers, body } = reply;
  const mediaType = headers.get('content-type')?.split(';', 1)[0];
  if (mediaType === 'text/html') return;
  expectNothingInternal(reply);
  // The client accepts no available media type.
  if (status === 417 || (status === 406 && body === '')) return;
  if (request.method === 'HEAD' || request.method === 'OPTIONS') return;
  if (mediaType === 'application/problem+json') {
    problemSchema.parse(JSON.parse(body));
    expect(request.valid).toBe(false);
    return;
  }
  const results = mediaType === 'text/event-stream' ? resultsOf(body) : [graphqlReplySchema.parse(JSON.parse(body))];
  if (mediaType !== 'text/event-stream') expect(mediaType).toMatch(/^application\/(graphql-response\+)?json$/);
  if (!request.valid) return;
  const errors = results.flatMap((result) => result.errors ?? []);
  // Its cost may exceed the limit.
  if (errors.some(({ message }) => message.startsWith('The document has more than'))) return;
  expect(status === 200 || mediaType === 'application/graphql-response+json').toBe(true);
  for (const { extensions } of errors) expect(FOR_VALID).toContain(extensions.code);
}

/** The results in an event stream, which ends with its completion. */
function resultsOf(stream: string): GraphQLReply[] {
  const events = stream.split(/\n\n+/).filter((event) => event.trim() !== '' && !event.startsWith(':'));
  expect(events.at(-1)).toMatch(/^event: complete/);
  return events.slice(0, -1).map((event) => {
    expect(event).toMatch(/^event: next\n/);
    return graphqlReplySchema.parse(JSON.parse(event.replace(/^event: next\ndata: /, '')));
  });
}

/** Expects the reply to raw bytes, if any, to be HTTP without a server error. */
export function expectBytes(text: string): void {
  expectInternalTextAbsent(text);
  if (text === '') return;
  // 501 is for an unknown method (RFC 9110, section 9.1).
  expect(text).toMatch(/^HTTP\/1\.1 (?:[1234]\d\d|501|503) /);
}

function expectNothingInternal({ status, headers, body }: Reply): void {
  expect(status < 500 || (status === 503 && headers.has('retry-after')), `the status ${status}`).toBe(true);
  expectInternalTextAbsent(body);
  for (const [name, value] of headers) {
    expectInternalTextAbsent(value);
    expect(name).not.toBe('x-injected');
  }
}

function expectInternalTextAbsent(text: string): void {
  for (const pattern of INTERNAL) expect(text).not.toMatch(pattern);
}
