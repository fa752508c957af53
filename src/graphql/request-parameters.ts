import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ServiceError } from '../core/errors.ts';
import { parseJson } from '../core/input/parse-json.ts';

const JSON_TYPE = /^application\/json\s*(;|$)/i;

/**
 * Refuses what Yoga need not, or can't, read: it looks for the parameters of a POST in a body that is an object with fields.
 * @throws ServiceError `unsupported-media-type`, `malformed-request`, `invalid-input`
 */
export function checkParameters(request: FastifyRequest): void {
  if (request.method !== 'POST') return checkQuery(request.query);
  // Forms and text can be sent by any web page without asking (CORS), so JSON is the one media type.
  if (!JSON_TYPE.test(request.headers['content-type'] ?? ''))
    throw new ServiceError('unsupported-media-type', 'A POST has its parameters as application/json.');
  const { body } = request;
  if (Array.isArray(body))
    throw new ServiceError('malformed-request', 'Batching is not supported; send one operation at a time.');
  if (typeof body !== 'object' || body === null || Object.keys(body).length === 0)
    throw new ServiceError('malformed-request', 'The body should be an object with the field query.');
}

const querySchema = z.object({ variables: z.string().optional(), extensions: z.string().optional() });

/** What a GET has in its URL as JSON (GraphQL over HTTP, section 5.3) is JSON. */
function checkQuery(query: unknown): void {
  const parsed = querySchema.safeParse(query);
  if (!parsed.success) throw new ServiceError('malformed-request', 'The URL has a parameter twice.');
  for (const [name, text] of Object.entries(parsed.data)) if (text) parseJson(text, `The parameter ${name}`);
}
