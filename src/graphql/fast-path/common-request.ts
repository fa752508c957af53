import type { FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';

/** A POST of the shape that clients send all the time: one operation, whose result is a single piece of JSON. */
export interface CommonRequest {
  readonly query: string;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>> | undefined;
  /** What the reply will be. */
  readonly mediaType: string;
}

const PARAMETERS: ReadonlySet<string> = new Set(['query', 'variables', 'operationName']);

/** Reads a request whose parameters have been checked; undefined for any other shape. */
export function readCommonRequest({ method, body, headers }: FastifyRequest): CommonRequest | undefined {
  if (method !== 'POST') return undefined;
  // It was found to be an object.
  const { query, variables, operationName } = body as Readonly<Record<string, unknown>>;
  // It was found to be an object, whose own fields these are.
  for (const name in body as object) if (!PARAMETERS.has(name)) return undefined;
  if (typeof query !== 'string') return undefined;
  if (variables != null && !isRecord(variables)) return undefined;
  if (operationName != null && typeof operationName !== 'string') return undefined;
  const mediaType = mediaTypeFor(headers.accept ?? '*/*');
  if (mediaType === undefined) return undefined;
  return { query, operationName: operationName ?? undefined, variables: variables ?? undefined, mediaType };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Headers are text of clients; there are few different ones. */
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
/** What says nothing of the media types of single results, beside those that do. */
const OTHERS = /^(text\/(plain|html)|application\/xml)$/;

/** As Yoga chooses: the first one counts. Undefined where it may be something else than JSON. */
function chooseMediaType(accept: string): string | undefined {
  const ranges = accept.replaceAll(/\s/g, '').toLowerCase().split(',');
  if (ranges.some((range) => range.includes('charset='))) return undefined;
  const types = ranges.map((range) => range.split(';', 1)[0] ?? '').filter((type) => !OTHERS.test(type));
  const chosen = types.map((type) => CHOSEN[type]);
  return chosen.includes(undefined) ? undefined : chosen[0];
}
