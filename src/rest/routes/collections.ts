import type { JobType } from '../../core/define-job.ts';
import { ServiceError } from '../../core/errors.ts';
import { readIdempotencyKey } from '../../core/input/idempotency-key.ts';
import { isDone } from '../../core/job.ts';
import { pascalCase } from '../../core/type-name.ts';
import { z } from 'zod';
import { submittedExample } from '../openapi/examples.ts';
import {
  type HeaderName,
  JOB_LINKS,
  SECURITY,
  problemReplies,
  describeReply,
  problemReply,
} from '../openapi/responses.ts';
import { requireSucceeded, sendSubmitted } from '../replies.ts';
import { idOf, idempotencyKey, prefer, readWait } from '../requests.ts';
import { readSubmitOptions, submitQuery } from '../submit-options.ts';
import type { RestApi, Route } from '../route.ts';
import { schemasOf } from '../schemas.ts';
import { batchPathOf, submitBatchRoute } from './submit-batch.ts';

/** `POST /api/{collection}`, the same for many, and `GET /api/{collection}/{id}` for a job type that makes a resource. */
export function collectionRoutes(type: JobType): Route<RestApi>[] {
  return [submit(type), submitBatchRoute(type), ...(type.resource === undefined ? [] : [getResource(type)])];
}

/** The resource whose id is that of the path for batches: Fastify has no parameter for it there. */
export function resourceNamedBatch(type: JobType): Route<RestApi>[] {
  if (type.resource === undefined) return [];
  return [getResource(type, batchPathOf(type), () => 'batch')];
}

/** Headers that answer those of the request. */
const SUBMITTED: readonly HeaderName[] = ['Preference-Applied', 'Idempotency-Replayed', 'Vary'];

const submit = (type: JobType): Route<RestApi> => ({
  method: 'POST',
  path: `/api/${type.collection}`,
  operation: {
    operationId: `submit${pascalCase(type.name)}`,
    summary: `Submit: ${type.name}`,
    description: `${type.description}\n\nThe reply does not wait for the work: it is 202 as soon as the queue has the job, and \`Location\` is the URL to follow it.`,
    tags: [type.collection],
    security: SECURITY.callers,
    requestParams: { header: z.object({ 'Idempotency-Key': idempotencyKey, Prefer: prefer }), query: submitQuery },
    requestBody: {
      required: true,
      description: 'The input. Unknown fields are refused.',
      content: { 'application/json': { schema: schemasOf(type).input } },
    },
    responses: {
      200: describeReply({
        description: 'The job was done within the time of `Prefer: wait`: its result.',
        schema: schemasOf(type).result,
        always: ['Location', 'Operation-Location', 'Content-Location', 'Preference-Applied'],
        sometimes: ['Idempotency-Replayed', 'Vary'],
      }),
      202: describeReply({
        description: 'Accepted: the queue has the job.',
        schema: { $ref: `#/components/schemas/Submitted${pascalCase(type.name)}Job` },
        examples: { pending: submittedExample(type) },
        always: ['Location', 'Operation-Location', 'Retry-After'],
        sometimes: SUBMITTED,
        links: JOB_LINKS,
      }),
      ...problemReplies(
        ['invalid-input', 'too-large', 'unsupported-media-type', 'quota-exceeded', 'queue-full'],
        SUBMITTED,
      ),
      409: problemReply(['job-canceled'], [...SUBMITTED, 'Location', 'Operation-Location']),
      422: problemReply(['job-failed', 'idempotency-key-reused'], [...SUBMITTED, 'Location', 'Operation-Location']),
    },
  },
  async handle(request, reply, { service, contextOf }) {
    const context = contextOf(request, reply);
    const { caller, requestId, trace, urls } = context;
    const key = readIdempotencyKey(undefined, context.idempotencyKeyHeader);
    const wait = readWait(request, reply) ?? 0;
    const options = { given: readSubmitOptions(request.query), path: [], base: urls.base };
    const submission = { type, input: request.body, options, caller, requestId, trace, idempotencyKey: key };
    const { job, replayed } =
      wait === 0 ? await service.submit(submission) : await service.submitAndWait(submission, wait, context.whenGone());
    context.facts.jobId = job.id;
    if (replayed) reply.header('Idempotency-Replayed', 'true');
    if (wait === 0 || !isDone(job)) return sendSubmitted(reply, job, service, context);
    reply
      .header('Location', urls.job(job.id))
      .header('Operation-Location', urls.operation(job.id))
      .header('Cache-Control', 'no-store');
    const result = await service.showResult(requireSucceeded(job), urls);
    return reply.header('Content-Location', urls.result(job.id)).send(result);
  },
});

const resourcePath = z.object({ id: z.string().meta({ param: { description: 'Its id.' } }) });

const getResource = (
  type: JobType,
  path: `/${string}` = `/api/${type.collection}/{id}`,
  readId = idOf,
): Route<RestApi> => ({
  method: 'GET',
  path,
  operation: {
    operationId: `get${pascalCase(type.name)}`,
    summary: `Read: ${type.name}`,
    description: `The resource that a job of type \`${type.name}\` made.`,
    tags: [type.collection],
    security: SECURITY.callers,
    requestParams: { path: resourcePath },
    responses: {
      200: describeReply({ description: 'The resource in its current state.', schema: schemasOf(type).result }),
      ...problemReplies(['not-found']),
    },
  },
  async handle(request, reply, { service, contextOf }) {
    const resource = await service.findResource(type, readId(request), contextOf(request, reply).caller);
    if (resource === undefined) throw new ServiceError('not-found', `There is no ${type.name} with this id.`);
    return reply.send(resource);
  },
});
