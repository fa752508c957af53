import type { FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { ServiceError } from '../core/errors.ts';
import { parseJson } from '../core/input/parse-json.ts';
import { JSON_TYPE } from '../http/json-body.ts';
import { acceptedTypes, notAcceptable } from '../http/negotiation.ts';

/** Media types of a single result, the default first, and of a stream of results. */
const SINGLE = ['application/json', 'application/graphql-response+json'];
export const STREAMS = ['text/event-stream', 'multipart/mixed'];
/** Apollo's protocol for subscriptions, as its clients name it in `Accept`, and as we hand it on to Yoga. */
export const APOLLO_STREAM = 'multipart/mixed;subscriptionSpec=1.0';
const NAMES_APOLLO_STREAM = /multipart\/mixed[^,]*;\s*subscriptionspec="?1\.0/i;
const NAMES_STREAM = /event-stream|multipart|text\/\*/i;

/**
 * Refuses requests that Yoga either need not or cannot read.
 * @throws ServiceError `unsupported-media-type`, `malformed-request`, `invalid-input`
 */
export function checkParameters(request: FastifyRequest): void {
  if (request.method !== 'POST') return checkQuery(request.query);
  const { body } = request;
  // Any web page can send forms and text without a CORS preflight, so JSON is the only media type.
  if (body !== null && body !== undefined && !JSON_TYPE.test(request.headers['content-type'] ?? ''))
    throw new ServiceError('unsupported-media-type', 'Send the parameters of a POST as application/json.');
  if (Array.isArray(body))
    throw new ServiceError('malformed-request', 'Batching is not supported; send one operation at a time.');
  if (!isRecord(body))
    throw new ServiceError('malformed-request', 'The body must be an object with the field `query`.');
  if (body['query'] == null && !isPersistedQuery(body['extensions'])) throw queryIsMissing('field');
}

const querySchema = z.object({
  query: z.string().optional(),
  variables: z.string().optional(),
  extensions: z.string().optional(),
});

/** The URL of a GET holds `variables` and `extensions` as JSON (GraphQL over HTTP, section 5.3). */
function checkQuery(urlQuery: unknown): void {
  const parsed = querySchema.safeParse(urlQuery);
  if (!parsed.success) throw new ServiceError('malformed-request', 'The URL has a parameter twice.');
  const { query, variables, extensions } = parsed.data;
  if (variables) parseJson(variables, 'The parameter variables');
  const parsedExtensions = extensions ? parseJson(extensions, 'The parameter extensions') : undefined;
  if (!query && !isPersistedQuery(parsedExtensions)) throw queryIsMissing('parameter');
}

function queryIsMissing(what: 'field' | 'parameter'): ServiceError {
  return new ServiceError(
    'malformed-request',
    `The ${what} \`query\` is missing: send the text of the document in it.`,
  );
}

/** Whether a request names its document by a hash (Apollo's automatic persisted queries). */
export function isPersistedQuery(extensions: unknown): boolean {
  return isRecord(extensions) && isRecord(extensions['persistedQuery']);
}

/** The parameters of a POST. Unknown ones are ignored (GraphQL over HTTP, section 5.1). */
export function pickParameters(body: unknown): unknown {
  if (!isRecord(body)) return body;
  const { query, variables, operationName, extensions } = body;
  return { query, variables, operationName, extensions };
}

/** A POST of the shape that most clients send: one operation, whose single result is JSON. */
export interface CommonRequest {
  readonly query: string;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>> | undefined;
  /** The media type of the reply. */
  readonly mediaType: string;
}

/** The media types that a request prefers for its reply; at least one. */
export interface Acceptable {
  /** Of a single result; undefined for a client that takes only streams. */
  readonly single: string | undefined;
  /** Of a stream of results. */
  readonly stream: string | undefined;
}

/** Reads a request whose parameters were checked; undefined for any other shape. */
export function readCommonRequest({ method, body }: FastifyRequest, { single }: Acceptable): CommonRequest | undefined {
  if (method !== 'POST' || !isRecord(body)) return undefined;
  const { query, variables, operationName, extensions } = body;
  if (typeof query !== 'string') return undefined;
  if (extensions != null && !isRecord(extensions)) return undefined;
  if (variables != null && !isRecord(variables)) return undefined;
  if (operationName != null && typeof operationName !== 'string') return undefined;
  if (single === undefined) return undefined;
  return { query, operationName: operationName ?? undefined, variables: variables ?? undefined, mediaType: single };
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Clients choose the text of this header, so the cache has a bound; few different ones occur. */
const known = new LRUCache<string, Acceptable>({ max: 100 });

/** @throws ServiceError `not-acceptable` */
export function readAcceptable({ headers: { accept = '*/*' } }: FastifyRequest): Acceptable {
  const acceptable = known.get(accept) ?? choose(accept);
  known.set(accept, acceptable);
  return acceptable;
}

function choose(accept: string): Acceptable {
  const [single] = acceptedTypes(accept, SINGLE);
  // Not for the wildcard that most clients send: a stream is for those that ask for one.
  const [stream] = NAMES_STREAM.test(accept) ? acceptedTypes(accept, STREAMS) : [];
  if (single === undefined && stream === undefined) throw notAcceptable([...SINGLE, ...STREAMS]);
  return { single, stream: stream === 'multipart/mixed' && NAMES_APOLLO_STREAM.test(accept) ? APOLLO_STREAM : stream };
}

/** The `Accept` of a request in the form that Yoga understands, which knows neither weights nor parameters. */
export function toPlainAccept({ single, stream }: Acceptable): string {
  return [single, stream].filter((type) => type !== undefined).join(', ');
}
