import type { Header, Reference } from './types.ts';

const uri = { type: 'string', format: 'uri' } as const;

/** The headers that replies have, by their names. */
const HEADERS = {
  Location: {
    description: 'In a 202, where to poll (RFC 9110, section 15.3.3). In a 303, where the answer is (section 15.4.4).',
    schema: uri,
  },
  'Operation-Location': { description: 'The status monitor of the same job, for clients of Azure’s.', schema: uri },
  'Content-Location': { description: 'The URL of what the body shows (RFC 9110, section 8.7).', schema: uri },
  'Retry-After': {
    description: 'Seconds to wait before the next request (RFC 9110, section 10.2.3).',
    schema: { type: 'integer', minimum: 1 },
  },
  ETag: {
    description: 'The version of what the body shows (RFC 9110, section 8.8.3); send it back in `If-None-Match`.',
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
  'Preference-Applied': {
    description: 'The preference that was honoured (RFC 7240, section 3), also when the time ran out.',
    schema: { type: 'string', pattern: '^wait=\\d+$' },
  },
  'Idempotency-Replayed': {
    description: 'Present when the key had been used before: this is the job of the first request.',
    schema: { type: 'string', const: 'true' },
  },
  'RateLimit-Policy': {
    description:
      'How many requests (`q`) a caller may send in how many seconds (`w`); on every reply, where there is a limit.',
    schema: { type: 'string', pattern: '^"default";q=\\d+;w=\\d+$' },
  },
  RateLimit: {
    description: 'How many requests are left (`r`), and in how many seconds there are all again (`t`).',
    schema: { type: 'string', pattern: '^"default";r=\\d+;t=\\d+$' },
  },
  'WWW-Authenticate': {
    description: 'What to present, and what was wrong with what was presented (RFC 6750, section 3).',
    schema: { type: 'string', pattern: '^Bearer ' },
  },
  Link: {
    description: 'The URL of the next page, if there is one (RFC 8288).',
    schema: { type: 'string', pattern: 'rel="next"' },
  },
} as const satisfies Record<string, Header>;

export type HeaderName = keyof typeof HEADERS;

/** `components/headers`: each as a header that is always there. */
export const headerComponents: Readonly<Record<string, Header>> = Object.fromEntries(
  Object.entries(HEADERS).map(([name, header]) => [name, { required: true, ...header }]),
);

/**
 * The headers of a reply.
 * @param always those that it always has
 * @param sometimes those that it may have
 */
export function headersOf(
  always: readonly HeaderName[],
  sometimes: readonly HeaderName[] = [],
): Readonly<Record<string, Header | Reference>> {
  return {
    ...Object.fromEntries(always.map((name) => [name, { $ref: `#/components/headers/${name}` }])),
    ...Object.fromEntries(sometimes.map((name) => [name, HEADERS[name]])),
  };
}
