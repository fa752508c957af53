import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type BulkActionInput, bulkAction } from '../../core/bulk/bulk-action.ts';
import { jobStatusSchema } from '../../core/job.ts';
import { parseInput } from '../../core/input/parse-input.ts';
import { anyTagSchema } from '../../core/input/submit-options.ts';
import { NOT_A_PERIOD, callerIdSchema, isPeriod, timeSchema } from '../../core/service/job-filter.ts';
import { readIdempotencyKey } from '../../core/input/idempotency-key.ts';
import { submittedExample } from '../openapi/examples.ts';
import { ACCEPTED, JOB_LINKS, SECURITY, describeReply, problemReplies } from '../openapi/responses.ts';
import { sendSubmitted } from '../replies.ts';
import { idempotencyKey } from '../requests.ts';
import type { RestApi, Route } from '../route.ts';

/** Which jobs; the same members as the parameters of `GET /api/jobs`. */
const filterSchema = z
  .strictObject({
    type: z.string().optional(),
    status: z.array(jobStatusSchema).min(1).optional(),
    caller: callerIdSchema.optional(),
    tag: anyTagSchema.optional(),
    createdAfter: timeSchema.optional(),
    createdBefore: timeSchema.optional(),
  })
  .refine(isPeriod, NOT_A_PERIOD)
  .meta({
    id: 'JobFilter',
    description: 'Which jobs: those for which every member that is given holds. At least one.',
  });

const bulkRoute = (action: BulkActionInput['action'], summary: string, description: string): Route<RestApi> => ({
  method: 'POST',
  path: `/api/jobs/${action}`,
  operation: {
    tags: ['Jobs'],
    security: SECURITY.callers,
    operationId: `${action}Jobs`,
    summary,
    description: `${description} The reply is a job of its own, with the numbers of jobs that it matched, changed and skipped as its result. An admin's filter matches the jobs of all callers.`,
    requestParams: { header: z.object({ 'Idempotency-Key': idempotencyKey }) },
    requestBody: { required: true, content: { 'application/json': { schema: filterSchema } } },
    responses: {
      202: describeReply({
        description: 'Accepted: the queue has the job.',
        schema: { $ref: '#/components/schemas/SubmittedBulkActionJob' },
        examples: { pending: submittedExample(bulkAction) },
        always: ACCEPTED,
        sometimes: ['Idempotency-Replayed'],
        links: JOB_LINKS,
      }),
      ...problemReplies([
        'invalid-input',
        'idempotency-key-reused',
        'quota-exceeded',
        'queue-full',
        'too-large',
        'unsupported-media-type',
      ]),
    },
  },
  async handle(request, reply, { service, contextOf }) {
    const context = contextOf(request, reply);
    const { caller, requestId, idempotencyKeyHeader } = context;
    const { job, replayed } = await service.submitBulk({
      action,
      filter: readFilter(request),
      caller,
      requestId,
      idempotencyKey: readIdempotencyKey(undefined, idempotencyKeyHeader),
    });
    if (replayed) reply.header('Idempotency-Replayed', 'true');
    return sendSubmitted(reply, job, service, context);
  },
});

function readFilter({ body }: FastifyRequest) {
  const { status, ...filter } = parseInput(filterSchema, body);
  return { ...filter, statuses: status };
}

/** Bulk cancel and retry: each is a job of its own. */
export const bulkRoutes: readonly Route<RestApi>[] = [
  bulkRoute(
    'cancel',
    'Cancel many jobs',
    'Cancels all pending and running jobs that match and were created before this request.',
  ),
  bulkRoute(
    'retry',
    'Retry many jobs',
    'Retries all failed jobs that match and ended before this request, and canceled ones where `status` names them.',
  ),
];
