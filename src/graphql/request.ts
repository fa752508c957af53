import type { FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { ServiceError } from '../core/errors.ts';
import { parseJson } from '../core/input/parse-json.ts';

const JSON_TYPE = /^application\/json\s*(;|$)/i;

/**
 * Refuses requests that Yoga either need not or cannot read.
 * @throws ServiceError `unsupported-media-type`, `malformed-request`, `invalid-input`
 */
export function checkParameters(request: FastifyRequest): void {
  if (request.method !== 'POST') return checkQuery(request.query);
  // Any web page can send forms and text without a CORS preflight, so JSON is the only media type.
  if (!JSON_TYPE.test(request.headers['content-type'] ?? ''))
    throw new ServiceError('unsupported-media-type', 'Send the parameters of a POST as application/json.');
  const { body } = request;
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

/** Reads a request whose parameters were checked; undefined for any other shape. */
export function readCommonRequest({ method, body, headers }: FastifyRequest): CommonRequest | undefined {
  if (method !== 'POST' || !isRecord(body)) return undefined;
  const { query, variables, operationName, extensions } = body;
  if (typeof query !== 'string') return undefined;
  if (extensions != null && !isRecord(extensions)) return undefined;
  if (variables != null && !isRecord(variables)) return undefined;
  if (operationName != null && typeof operationName !== 'string') return undefined;
  const mediaType = mediaTypeFor(headers.accept ?? '*/*');
  if (mediaType === undefined) return undefined;
  return { query, operationName: operationName ?? undefined, variables: variables ?? undefined, mediaType };
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Clients choose the text of this header, so the cache has a bound; few different ones occur. */
const mediaTypes = new LRUCache<string, { readonly chosen: string | undefined }>({ max: 100 });

function mediaTypeFor(accept: string): string | undefined {
  const known = mediaTypes.get(accept);
  if (known !== undefined) return known.chosen;
  const chosen = chooseMediaType(accept);
  mediaTypes.set(accept, { chosen });
  return chosen;
}

const CHOSEN: Readonly<Record<string, string>> = {
  'application/json': 'application/json',
  'application/graphql-response+json': 'application/graphql-response+json',
  '*/*': 'application/json',
  'application/*': 'application/json',
};
/** Ranges that Yoga ignores beside one of the above. */
const IGNORED = /^(text\/(plain|html)|application\/xml)$/;

/** Chooses the first range, as Yoga does. Undefined where Yoga may choose another media type than JSON. */
function chooseMediaType(accept: string): string | undefined {
  const ranges = accept.replaceAll(/\s/g, '').toLowerCase().split(',');
  if (ranges.some((range) => range.includes('charset='))) return undefined;
  const types = ranges.map((range) => range.split(';', 1)[0] ?? '').filter((type) => !IGNORED.test(type));
  const chosen = types.map((type) => CHOSEN[type]);
  return chosen.includes(undefined) ? undefined : chosen[0];
}
