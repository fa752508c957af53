/** Builds the replies of operations for the OpenAPI document. */
import type { ZodOpenApiMediaTypeObject, ZodOpenApiResponseObject, ZodOpenApiSchemaObject, oas32 } from 'zod-openapi';
import { PROBLEMS, type ProblemName } from '../../core/errors.ts';
import { problemSchema } from '../schemas.ts';

const uri = { type: 'string', format: 'uri' } as const;

/** Each header that replies have. */
const HEADERS = {
  Location: {
    description:
      'In a 202, where to poll (RFC 9110, section 15.3.3). In a 303, where the result is (RFC 9110, section 15.4.4).',
    schema: uri,
  },
  'Operation-Location': { description: 'The status monitor of the same job, for Azure clients.', schema: uri },
  'Content-Location': { description: 'The URL of the resource in the body (RFC 9110, section 8.7).', schema: uri },
  'Retry-After': {
    description: 'Seconds to wait before the next request (RFC 9110, section 10.2.3).',
    schema: { type: 'integer', minimum: 1 },
  },
  ETag: {
    description: 'The version of the body (RFC 9110, section 8.8.3), to send back in `If-None-Match`.',
    schema: { type: 'string', pattern: '^(W/)?"[^"]*"$' },
  },
  'Cache-Control': {
    description: 'Whether a cache may keep the reply (RFC 9111, section 5.2).',
    schema: { type: 'string' },
  },
  Vary: {
    description: 'The request headers that the reply depends on (RFC 9110, section 12.5.5).',
    schema: { type: 'string' },
  },
  'X-Accel-Buffering': {
    description: 'Tells proxies to hold no part of the stream back.',
    schema: { type: 'string', const: 'no' },
  },
  'Preference-Applied': {
    description: 'The preferences that were honored (RFC 7240, section 3), also when the time ran out.',
    schema: { type: 'string', pattern: '^(respond-async|wait=\\d+)$' },
  },
  'Idempotency-Replayed': {
    description:
      'Present when the job was there before: its key had been used, or it waited with the same deduplication id.',
    schema: { type: 'string', const: 'true' },
  },
  'RateLimit-Policy': {
    description:
      'How many requests (`q`) a caller may send in how many seconds (`w`); only where the server has a limit.',
    schema: { type: 'string', pattern: '^"default";q=\\d+;w=\\d+$' },
  },
  RateLimit: {
    description:
      'How many requests are left (`r`), and in how many seconds the full quota is back (`t`); only where the server has a limit.',
    schema: { type: 'string', pattern: '^"default";r=\\d+;t=\\d+$' },
  },
  'WWW-Authenticate': {
    description: 'Which credentials to send, and what was wrong with those that were sent (RFC 6750, section 3).',
    schema: { type: 'string', pattern: '^Bearer ' },
  },
  Link: {
    description: 'The URL of the next page, if there is one (RFC 8288).',
    schema: { type: 'string', pattern: 'rel="next"' },
  },
} satisfies Record<string, oas32.HeaderObject>;

export type HeaderName = keyof typeof HEADERS;

/** The headers of every reply of a server with a limit. */
const LIMIT: readonly HeaderName[] = ['RateLimit-Policy', 'RateLimit'];

/** `components/headers`: each as a header that is always present, but for those of a limit. */
export const headerComponents: Readonly<Record<string, oas32.HeaderObject>> = Object.fromEntries(
  Object.entries(HEADERS).map(([name, header]) => [
    name,
    { required: !LIMIT.some((each) => each === name), ...header },
  ]),
);

/** The headers that a reply always has, and those that it may have. */
function headersOf(
  always: readonly HeaderName[],
  sometimes: readonly HeaderName[] = [],
  isLimited = true,
): oas32.HeadersObject {
  const referred = [...always, ...(isLimited ? LIMIT : [])];
  return {
    ...Object.fromEntries(referred.map((name) => [name, { $ref: `#/components/headers/${name}` }])),
    ...Object.fromEntries(sometimes.map((name) => [name, HEADERS[name]])),
  };
}

export interface ReplyParts {
  readonly description: string;
  readonly schema?: ZodOpenApiSchemaObject;
  /** @default 'application/json' */
  readonly mediaType?: string;
  readonly examples?: Record<string, oas32.ExampleObject>;
  /** The headers that it always has. */
  readonly always?: readonly HeaderName[];
  /** The headers that it may have. */
  readonly sometimes?: readonly HeaderName[];
  readonly links?: Record<string, oas32.LinkObject>;
  /** @default true */
  readonly cacheControl?: boolean;
  /**
   * Whether the request counts against the caller's limit.
   * @default true
   */
  readonly isLimited?: boolean;
}

/** A reply that is not a problem. */
export function describeReply(parts: ReplyParts): ZodOpenApiResponseObject {
  const {
    description,
    schema,
    mediaType = 'application/json',
    examples,
    sometimes,
    links,
    cacheControl = true,
    isLimited = true,
  } = parts;
  const always: HeaderName[] = [...(cacheControl ? ['Cache-Control' as const] : []), ...(parts.always ?? [])];
  const content: ZodOpenApiMediaTypeObject | undefined =
    schema === undefined ? undefined : { schema, ...(examples && { examples }) };
  const headers = headersOf(always, sometimes, isLimited);
  return {
    description,
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(content && { content: { [mediaType]: content } }),
    ...(links && { links }),
  };
}

/** 304, for the operations that send an `ETag`. */
export const notModified = (sometimes: readonly HeaderName[] = []): ZodOpenApiResponseObject =>
  describeReply({
    description: 'Nothing has changed since the reply with this `ETag`.',
    always: ['ETag'],
    sometimes: ['Retry-After', ...sometimes],
  });

/** The headers of a 202. */
export const ACCEPTED: readonly HeaderName[] = ['Location', 'Operation-Location', 'Retry-After'];

/** What a client may do next with the job in a reply. */
export const JOB_LINKS = {
  job: { operationId: 'getJob', parameters: { id: '$response.body#/id' }, description: 'Follow the job.' },
};

/** The problems that every operation may reply with. */
const ANYWHERE: readonly ProblemName[] = [
  'malformed-request',
  'not-acceptable',
  'unauthenticated',
  'forbidden',
  'request-timeout',
  'header-too-large',
  'rate-limited',
  'internal-error',
  'queue-unavailable',
  'service-unavailable',
];

/** Problems that come with `Retry-After`. */
const RETRY_AFTER: ReadonlySet<ProblemName> = new Set([
  'result-not-ready',
  'rate-limited',
  'quota-exceeded',
  'queue-full',
  'queue-unavailable',
  'service-unavailable',
]);

/** Problems that come with `WWW-Authenticate`. */
const CHALLENGE: ReadonlySet<ProblemName> = new Set(['unauthenticated', 'forbidden']);

/** These problems, and those that every operation may reply with, by status. */
export function problemReplies(
  names: readonly ProblemName[],
  sometimes: readonly HeaderName[] = [],
): Record<`${4 | 5}${string}`, ZodOpenApiResponseObject> {
  const byStatus = Map.groupBy([...names, ...ANYWHERE], (name) => PROBLEMS[name].status);
  return Object.fromEntries([...byStatus].map(([status, group]) => [String(status), problemReply(group, sometimes)]));
}

/** One reply for problems that have the same status. */
export function problemReply(
  names: readonly ProblemName[],
  sometimes: readonly HeaderName[] = [],
  isLimited = true,
): ZodOpenApiResponseObject {
  const challenge: HeaderName[] = names.some((name) => CHALLENGE.has(name)) ? ['WWW-Authenticate'] : [];
  const retry = names.filter((name) => RETRY_AFTER.has(name)).length;
  return {
    description: names.map((name) => `${PROBLEMS[name].title} (\`${name}\`).`).join(' Or: '),
    headers: headersOf(
      ['Cache-Control', ...challenge, ...(retry === names.length ? (['Retry-After'] as const) : [])],
      [...sometimes, ...(retry > 0 && retry < names.length ? (['Retry-After'] as const) : [])],
      isLimited,
    ),
    content: {
      'application/problem+json': {
        schema: problemSchema,
        examples: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/examples/${name}` }])),
      },
    },
  };
}

/** An open server needs none of these credentials. */
export const securitySchemes: Record<string, oas32.SecuritySchemeObject> = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key, a JWT, or the `accessToken` of a job (RFC 6750, section 2.1).',
  },
  apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'An API key.' },
  accessToken: {
    type: 'apiKey',
    in: 'query',
    name: 'access_token',
    description:
      'The `accessToken` of a job, for clients that cannot set headers, such as `EventSource` (RFC 6750, section 2.3). It is valid for that job alone.',
  },
};

const callers: oas32.SecurityRequirementObject[] = [{}, { bearer: [] }, { apiKey: [] }];

/** Who may call an operation: anyone, authenticated callers, or also holders of the job's access token. */
export const SECURITY = { anyone: [], callers, tokenHolders: [...callers, { accessToken: [] }] };
