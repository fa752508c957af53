import { NOT_MODIFIED } from './job-paths.ts';
import { parameter } from './parameters.ts';
import { problemReplies, reply } from './responses.ts';
import { SECURITY } from './security.ts';
import type { Operation, Paths, Reference } from './types.ts';

/** The status monitor of Azure's long-running operations. */
export function operationPaths(operation: Reference): Paths {
  return { '/api/operations/{id}': { get: getOperation(operation) } };
}

function getOperation(operation: Reference): Operation {
  return {
    operationId: 'getOperation',
    summary: 'Monitor an operation',
    description:
      "The same job as the status monitor of Azure's guidelines for long-running operations: always 200, as long as the job is kept.",
    tags: ['Jobs'],
    security: SECURITY.keyHolders,
    parameters: [parameter('jobId'), parameter('ifNoneMatch')],
    responses: {
      200: reply({
        description: 'The operation as it is now.',
        schema: operation,
        always: ['ETag'],
        sometimes: ['Retry-After'],
      }),
      304: NOT_MODIFIED,
      ...problemReplies(['not-found']),
    },
  };
}
