import { headersOf } from './headers.ts';
import { problemReply, reply } from './responses.ts';
import { SECURITY } from './security.ts';
import type { Operation, Paths, Reference, Response } from './types.ts';

const TAGS = ['Service'];

export interface ServiceSchemas {
  readonly health: Reference;
  readonly unhealthy: Reference;
}

/** What is told of the service itself. */
export function servicePaths({ health, unhealthy }: ServiceSchemas): Paths {
  const unreadable = { 400: problemReply(['malformed-request']) };
  const healthy: Response = { description: 'Yes.', content: { 'application/json': { schema: health } } };
  const getLiveness: Operation = {
    operationId: 'getLiveness',
    summary: 'Does the process run?',
    description: 'Asks nothing else, so a process that answers no more should be started again.',
    tags: TAGS,
    security: SECURITY.everybody,
    responses: { 200: healthy, ...unreadable },
  };
  const getReadiness: Operation = {
    operationId: 'getReadiness',
    summary: 'Can the process serve requests?',
    description: 'Asks the queue and the database.',
    tags: TAGS,
    security: SECURITY.everybody,
    responses: {
      200: healthy,
      ...unreadable,
      503: {
        description: 'No: it cannot reach what is missing.',
        headers: headersOf(['Retry-After']),
        content: { 'application/json': { schema: unhealthy } },
      },
    },
  };
  const getOpenApi: Operation = {
    operationId: 'getOpenApi',
    summary: 'Read this document',
    description: 'OpenAPI 3.1, made from the schemas that validate the requests.',
    tags: TAGS,
    security: SECURITY.everybody,
    responses: {
      200: reply({
        description: 'The document.',
        schema: { type: 'object', properties: { openapi: { type: 'string' } }, required: ['openapi'] },
      }),
      ...unreadable,
      500: problemReply(['internal-error']),
    },
  };
  return {
    '/health/live': { get: getLiveness },
    '/health/ready': { get: getReadiness },
    '/openapi.json': { get: getOpenApi },
  };
}
