import type { JobType } from '../../core/define-job.ts';
import type { Registry } from '../../core/registry.ts';
import { JOB_LINKS } from './collection-paths.ts';
import { type HeaderName, headersOf } from './headers.ts';
import { canceledExample, failedExample, pendingExample, runningExample, submittedExample } from './job-examples.ts';
import { parameter, typeParameter } from './parameters.ts';
import { problemReplies, reply } from './responses.ts';
import { SECURITY } from './security.ts';
import type { Example, JsonSchema, Operation, Paths, Reference, Response } from './types.ts';

export interface JobSchemas {
  readonly job: Reference;
  readonly submittedJob: Reference;
  readonly jobList: Reference;
  /** One for each job type, in their order. */
  readonly results: readonly Reference[];
}

const TAGS = ['Jobs'];

/** What a reply may say of `Prefer`. */
const WAITED: readonly HeaderName[] = ['Preference-Applied', 'Vary'];

export const NOT_MODIFIED = reply({
  description: 'Nothing has changed since the reply with this `ETag`.',
  always: ['ETag'],
  sometimes: ['Retry-After'],
});

/** The paths that all job types share. */
export function jobPaths(registry: Registry, schemas: JobSchemas): Paths {
  const [sample] = registry.types;
  // A registry has at least one.
  if (sample === undefined) return {};
  return {
    '/api/jobs': { get: listJobs(registry, schemas) },
    '/api/jobs/{id}': { get: getJob(sample, schemas), delete: cancelJob(sample, schemas) },
    '/api/jobs/{id}/result': { get: getJobResult(schemas) },
    '/api/jobs/{id}/events': { get: watchJob() },
    '/api/jobs/{id}/retry': { post: retryJob(sample, schemas) },
  };
}

function listJobs(registry: Registry, { jobList }: JobSchemas): Operation {
  return {
    operationId: 'listJobs',
    summary: 'List jobs',
    description: 'The jobs of all types or of one, newest first, a page at a time.',
    tags: TAGS,
    security: SECURITY.callers,
    parameters: [typeParameter(registry), parameter('status'), parameter('limit'), parameter('cursor')],
    responses: {
      200: reply({ description: 'A page of jobs.', schema: jobList, sometimes: ['Link'] }),
      ...problemReplies(['invalid-input']),
    },
  };
}

function getJob(sample: JobType, { job, results }: JobSchemas): Operation {
  return {
    operationId: 'getJob',
    summary: 'Follow a job',
    description:
      'A loop needs the status code alone: 202, wait `Retry-After` seconds and ask again; 200 after the redirect, here it is; anything else is a problem.',
    tags: TAGS,
    security: SECURITY.keyHolders,
    parameters: [
      parameter('jobId'),
      parameter('onPending'),
      parameter('onComplete'),
      parameter('prefer'),
      parameter('ifNoneMatch'),
    ],
    responses: {
      200: reply({
        description:
          'With `onPending=ok` or `onComplete=status`: the job. With `onComplete=stream`: the result of the job, which is done.',
        schema: { anyOf: [job, ...results] },
        examples: { running: runningExample(sample), failed: failedExample(sample) },
        always: ['ETag'],
        sometimes: ['Retry-After', ...WAITED],
      }),
      202: reply({
        description: 'The job is not done.',
        schema: job,
        examples: { pending: pendingExample(sample), running: runningExample(sample) },
        always: ['ETag', 'Retry-After'],
        sometimes: WAITED,
      }),
      303: reply({
        description:
          'The job is done. `Location` is the resource that it made, or else its result, which also says why a job failed or was canceled.',
        schema: job,
        always: ['Location', 'ETag'],
        sometimes: WAITED,
      }),
      304: { ...NOT_MODIFIED, headers: headersOf(['Cache-Control', 'ETag'], ['Retry-After', ...WAITED]) },
      ...problemReplies(['invalid-input', 'not-found', 'job-canceled', 'job-failed'], WAITED),
    },
  };
}

function getJobResult({ results }: JobSchemas): Operation {
  return {
    operationId: 'getJobResult',
    summary: 'Read the result of a job',
    description: 'What the work returned; or, as a problem, why there is no result.',
    tags: TAGS,
    security: SECURITY.keyHolders,
    parameters: [parameter('jobId'), parameter('ifNoneMatch')],
    responses: {
      200: reply({ description: 'The job has succeeded: its result.', schema: anyOf(results), always: ['ETag'] }),
      304: NOT_MODIFIED,
      ...problemReplies(['not-found', 'result-not-ready', 'job-canceled', 'job-failed']),
    },
  };
}

function watchJob(): Operation {
  return {
    operationId: 'watchJob',
    summary: 'Watch a job',
    description:
      "Server-sent events (HTML, section 9.2): the job at once, then each change. `data` is the job's JSON, and `id` its version. The stream ends after the final state.",
    tags: TAGS,
    security: SECURITY.keyHolders,
    parameters: [parameter('jobId'), parameter('lastEventId')],
    responses: {
      200: reply({
        description: 'The stream.',
        mediaType: 'text/event-stream',
        schema: { type: 'string' },
        examples: {
          running: { summary: 'A job that runs', value: 'retry: 1000\n\nid: 2\ndata: {"id":"customer_…",…}\n\n' },
        },
      }),
      204: reply({ description: 'The client has the final state already, and need not connect again.' }),
      ...problemReplies(['not-found']),
    },
  };
}

/** A 202 that says where to follow the job. */
function accepted(description: string, schema: Reference, examples: Readonly<Record<string, Example>>): Response {
  const always: readonly HeaderName[] = ['Location', 'Operation-Location', 'Retry-After'];
  return reply({ description, schema, examples, always, links: JOB_LINKS });
}

function cancelJob(sample: JobType, { job }: JobSchemas): Operation {
  return {
    operationId: 'cancelJob',
    summary: 'Cancel a job',
    description: 'A job that waits is canceled at once. One that runs is told to stop, which may take it a while.',
    tags: TAGS,
    security: SECURITY.keyHolders,
    parameters: [parameter('jobId')],
    responses: {
      200: reply({
        description: 'Canceled.',
        schema: job,
        examples: { canceled: canceledExample(sample) },
      }),
      202: accepted('The job runs, and has been told to stop.', job, { running: runningExample(sample) }),
      ...problemReplies(['not-found', 'not-cancelable', 'too-large', 'unsupported-media-type']),
    },
  };
}

function retryJob(sample: JobType, { submittedJob }: JobSchemas): Operation {
  return {
    operationId: 'retryJob',
    summary: 'Retry a job',
    description: 'Queues a job that failed or was canceled again, under the same id and with all its attempts.',
    tags: TAGS,
    security: SECURITY.callers,
    parameters: [parameter('jobId')],
    responses: {
      202: accepted('Accepted: the queue has the job again.', submittedJob, { pending: submittedExample(sample) }),
      ...problemReplies(['not-found', 'not-retryable', 'too-large', 'unsupported-media-type']),
    },
  };
}

function anyOf(schemas: readonly Reference[]): JsonSchema {
  const [first] = schemas;
  return schemas.length === 1 && first !== undefined ? { ...first } : { anyOf: [...schemas] };
}
