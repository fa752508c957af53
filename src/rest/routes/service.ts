import type { FastifyReply, FastifyRequest } from 'fastify';
import { withDeadline } from '../../core/deadline.ts';
import type { Urls } from '../../core/urls.ts';
import type { Constant } from '../../http/negotiation.ts';
import { SECURITY, describeReply, notModified, problemReply } from '../openapi/responses.ts';
import type { Route } from '../route.ts';
import { healthSchema, unhealthySchema } from '../schemas.ts';

/** A dependency that does not answer within this time counts as missing. */
const CHECK_MS = 1500;

/** Resolves if a dependency can be reached. */
export type ReadinessCheck = () => Promise<void>;

export interface HealthApi {
  /** The dependencies, by the names that operators read. */
  readonly checks: Readonly<Record<string, ReadinessCheck>>;
  /** Whether the start is over. */
  isStarted(): boolean;
}

const shared = { tags: ['Service'], security: SECURITY.anyone };
/** Of routes that do not count against the caller's limit. */
const unlimited = { cacheControl: false, isLimited: false } as const;
const unreadable = { 400: problemReply(['malformed-request'], [], false) };
const healthy = describeReply({ description: 'Yes.', schema: healthSchema, ...unlimited });

const unhealthy = (description: string) =>
  describeReply({ description, schema: unhealthySchema, always: ['Retry-After'], ...unlimited });

function sendMissing(reply: FastifyReply, missing: readonly string[]): FastifyReply {
  return reply.status(503).header('Retry-After', 1).send({ status: 'unavailable', missing });
}

export const healthRoutes: readonly Route<HealthApi>[] = [
  {
    method: 'GET',
    path: '/health/live',
    operation: {
      ...shared,
      operationId: 'getLiveness',
      summary: 'Is the process alive?',
      description: 'Checks no dependency: restart a process that does not answer.',
      responses: { 200: healthy, ...unreadable },
    },
    handle: async () => ({ status: 'ok' }),
  },
  {
    method: 'GET',
    path: '/health/startup',
    operation: {
      ...shared,
      operationId: 'getStartup',
      summary: 'Has the process started?',
      description: 'Checks no dependency. A process whose store cannot be reached has started, and is not ready.',
      responses: { 200: healthy, ...unreadable, 503: unhealthy('No, not yet.') },
    },
    handle: async (_request, reply, { isStarted }) => (isStarted() ? { status: 'ok' } : sendMissing(reply, ['start'])),
  },
  {
    method: 'GET',
    path: '/health/ready',
    operation: {
      ...shared,
      operationId: 'getReadiness',
      summary: 'Can the process serve requests?',
      description: 'Checks the queue. Jobs are accepted while a database that they need cannot be reached.',
      responses: {
        200: healthy,
        ...unreadable,
        503: unhealthy('No: a dependency cannot be reached.'),
      },
    },
    async handle(_request, reply, { checks }) {
      const names = Object.keys(checks);
      const results = await Promise.allSettled(Object.values(checks).map((check) => withDeadline(check(), CHECK_MS)));
      const missing = names.filter((_, index) => results[index]?.status === 'rejected');
      if (missing.length === 0) return { status: 'ok' };
      return sendMissing(reply, missing);
    },
  },
];

export interface OpenApiApi {
  /** Sends the document of the server at this URL. */
  documentAt(base: string): Constant;
  urlsOf(request: FastifyRequest): Urls;
}

export const openApiRoute: Route<OpenApiApi> = {
  method: 'GET',
  path: '/openapi.json',
  operation: {
    ...shared,
    operationId: 'getOpenApi',
    summary: 'Read this document',
    description: 'OpenAPI 3.1, made from the routes and from the schemas that validate the requests.',
    responses: {
      200: describeReply({
        description: 'The document.',
        schema: { type: 'object', properties: { openapi: { type: 'string' } }, required: ['openapi'] },
        always: ['ETag'],
        sometimes: ['Vary'],
      }),
      304: notModified(['Vary']),
      400: problemReply(['malformed-request']),
      429: problemReply(['rate-limited']),
      500: problemReply(['internal-error']),
    },
  },
  async handle(request, reply, { documentAt, urlsOf }) {
    reply.type('application/json; charset=utf-8').header('Cache-Control', 'no-cache');
    return documentAt(urlsOf(request).base)(request, reply);
  },
};
