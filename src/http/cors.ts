import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';

/** What pages of other origins may read beside the body. */
const EXPOSED_HEADERS = [
  'Location',
  'Operation-Location',
  'Content-Location',
  'Retry-After',
  'RateLimit',
  'RateLimit-Policy',
  'ETag',
  'Link',
  'Allow',
  'Preference-Applied',
  'Idempotency-Replayed',
  'WWW-Authenticate',
  'RateLimit',
  'RateLimit-Policy',
];
/** Seconds for which a browser need not ask again. */
const MAX_AGE_SECONDS = 600;

/**
 * Lets pages of these origins read replies (Fetch, section 3.2: CORS).
 * @param origins with `*` among them: all; none: no page but our own
 */
export async function addCors(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return;
  await app.register(cors, {
    delegator: (request, callback) =>
      callback(null, {
        origin: origins.includes('*') ? '*' : [...origins],
        methods: ['GET', 'HEAD', 'POST', 'DELETE'],
        exposedHeaders: EXPOSED_HEADERS,
        maxAge: MAX_AGE_SECONDS,
        // OPTIONS without this header is no preflight, but a question of its own.
        preflight: request.headers['access-control-request-method'] !== undefined,
      }),
  });
}
