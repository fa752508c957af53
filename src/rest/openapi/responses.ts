import { PROBLEMS, type ProblemName } from '../../core/errors.ts';
import { type HeaderName, headersOf } from './headers.ts';
import type { Example, JsonSchema, MediaType, Response } from './types.ts';

export interface ReplyParts {
  readonly description: string;
  readonly schema?: JsonSchema | undefined;
  /** @default 'application/json' */
  readonly mediaType?: string;
  readonly examples?: Readonly<Record<string, Example>>;
  /** The headers that it always has. */
  readonly always?: readonly HeaderName[];
  /** The headers that it may have. */
  readonly sometimes?: readonly HeaderName[];
  readonly links?: Response['links'];
}

/** A reply that is no problem. */
export function reply(parts: ReplyParts): Response {
  const { description, schema, mediaType = 'application/json', examples, always = [], sometimes, links } = parts;
  const content: MediaType | undefined = schema && { schema, ...(examples && { examples }) };
  return {
    description,
    headers: headersOf(['Cache-Control', ...always], sometimes),
    ...(content && { content: { [mediaType]: content } }),
    ...(links && { links }),
  };
}

/** What every operation of the face may answer with. */
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
  'queue-full',
  'queue-unavailable',
  'service-unavailable',
]);

/** Problems that come with `WWW-Authenticate`. */
const CHALLENGE: ReadonlySet<ProblemName> = new Set(['unauthenticated', 'forbidden']);

/**
 * Replies with these problems, and those that every operation may answer with, by status.
 * @param sometimes the headers that they may have
 */
export function problemReplies(
  names: readonly ProblemName[],
  sometimes: readonly HeaderName[] = [],
): Record<string, Response> {
  const byStatus = Map.groupBy([...names, ...ANYWHERE], (name) => PROBLEMS[name].status);
  return Object.fromEntries([...byStatus].map(([status, group]) => [String(status), problemReply(group, sometimes)]));
}

/** One reply with one of these problems, which have the same status. */
export function problemReply(names: readonly ProblemName[], sometimes: readonly HeaderName[] = []): Response {
  const retryAfter: HeaderName[] = ['Retry-After'];
  const limit: HeaderName[] = names.includes('rate-limited') ? ['RateLimit-Policy', 'RateLimit'] : [];
  const challenge: HeaderName[] = names.some((name) => CHALLENGE.has(name)) ? ['WWW-Authenticate'] : [];
  const waits = names.filter((name) => RETRY_AFTER.has(name)).length;
  return {
    description: names.map((name) => `${PROBLEMS[name].title} (\`${name}\`).`).join(' Or: '),
    headers: headersOf(
      ['Cache-Control', ...challenge, ...(waits === names.length ? retryAfter : []), ...limit],
      [...sometimes, ...(waits > 0 && waits < names.length ? retryAfter : [])],
    ),
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/examples/${name}` }])),
      },
    },
  };
}
