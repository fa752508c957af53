import type { JobType } from '../../core/define-job.ts';
import { submittedExample } from './job-examples.ts';
import { parameter } from './parameters.ts';
import { problemReplies, problemReply, reply } from './responses.ts';
import { SECURITY } from './security.ts';
import type { HeaderName } from './headers.ts';
import type { Link, Operation, Paths, Reference } from './types.ts';

/** The components that a job type has. */
export interface JobTypeSchemas {
  readonly input: Reference;
  readonly result: Reference;
  readonly job: Reference;
  /** A job that was just submitted, with its key. */
  readonly submitted: Reference;
}

/** `POST /api/{collection}`, and `GET /api/{collection}/{id}` where the work makes a resource. */
export function collectionPaths(type: JobType, schemas: JobTypeSchemas): Paths {
  return {
    [`/api/${type.collection}`]: { post: submit(type, schemas) },
    ...(type.resource && { [`/api/${type.collection}/{id}`]: { get: getResource(type, schemas) } }),
  };
}

/** What a client may do with the job that a reply tells of. */
export const JOB_LINKS: Readonly<Record<string, Link>> = {
  job: {
    operationId: 'getJob',
    parameters: { id: '$response.body#/id' },
    description: 'Follow the job.',
  },
};

/** What a reply may say of the request's own headers. */
const SUBMITTED: readonly HeaderName[] = ['Preference-Applied', 'Idempotency-Replayed', 'Vary'];

function submit(type: JobType, schemas: JobTypeSchemas): Operation {
  return {
    operationId: `submit${pascalCase(type.name)}`,
    summary: `Submit: ${type.name}`,
    description: `${type.description}\n\nThe reply is there before the work is done: 202 when the queue has the job, which \`Location\` leads to.`,
    tags: [type.collection],
    security: SECURITY.callers,
    parameters: [parameter('idempotencyKey'), parameter('prefer')],
    requestBody: {
      required: true,
      description: 'What the work needs. Unknown fields are refused.',
      content: { 'application/json': { schema: schemas.input } },
    },
    responses: {
      200: reply({
        description: 'The job was done within the time of `Prefer: wait`: its result.',
        schema: schemas.result,
        always: ['Location', 'Operation-Location', 'Content-Location', 'Preference-Applied'],
        sometimes: ['Idempotency-Replayed', 'Vary'],
      }),
      202: reply({
        description: 'Accepted: the queue has the job.',
        schema: schemas.submitted,
        examples: { pending: submittedExample(type) },
        always: ['Location', 'Operation-Location', 'Retry-After'],
        sometimes: SUBMITTED,
        links: JOB_LINKS,
      }),
      ...problemReplies(['invalid-input', 'too-large', 'unsupported-media-type', 'queue-full'], SUBMITTED),
      409: problemReply(['job-canceled'], [...SUBMITTED, 'Location', 'Operation-Location']),
      422: problemReply(['job-failed', 'idempotency-key-reused'], [...SUBMITTED, 'Location', 'Operation-Location']),
    },
  };
}

function getResource(type: JobType, { result }: JobTypeSchemas): Operation {
  return {
    operationId: `get${pascalCase(type.name)}`,
    summary: `Read: ${type.name}`,
    description: `What a job of the type \`${type.name}\` made.`,
    tags: [type.collection],
    security: SECURITY.callers,
    parameters: [{ name: 'id', in: 'path', required: true, description: 'Its id.', schema: { type: 'string' } }],
    responses: {
      200: reply({ description: 'As it is now.', schema: result }),
      ...problemReplies(['not-found']),
    },
  };
}

export function pascalCase(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
