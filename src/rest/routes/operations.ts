import { z } from 'zod';
import { type JobStatus, isDone } from '../../core/job.ts';
import type { JobView } from '../../core/job-view.ts';
import { SECURITY, notModified, problemReplies, describeReply } from '../openapi/responses.ts';
import { foundJob, sendTagged, setRetryAfter, viewOf } from '../replies.ts';
import { idOf, ifMatch, ifNoneMatch, jobPath } from '../requests.ts';
import type { RestApi, Route } from '../route.ts';
import { operationSchema, serializeOperation } from '../schemas.ts';

type Operation = z.output<typeof operationSchema>;

const STATUSES: Readonly<Record<JobStatus, Operation['status']>> = {
  Pending: 'NotStarted',
  Running: 'Running',
  Succeeded: 'Succeeded',
  Failed: 'Failed',
  Canceled: 'Canceled',
};

/**
 * `/api/operations/{id}`: the status monitor of Azure's long-running operations (Microsoft Azure REST API Guidelines,
 * "Long-Running Operations & Jobs").
 */
export const operationRoutes: readonly Route<RestApi>[] = [
  {
    method: 'GET',
    path: '/api/operations/{id}',
    operation: {
      operationId: 'getOperation',
      summary: 'Monitor an operation',
      description:
        "The same job as a status monitor of Azure's guidelines for long-running operations: always 200, as long as the job is kept.",
      tags: ['Jobs'],
      security: SECURITY.tokenHolders,
      requestParams: { path: jobPath, header: z.object({ 'If-None-Match': ifNoneMatch, 'If-Match': ifMatch }) },
      responses: {
        200: describeReply({
          description: 'The operation in its current state.',
          schema: operationSchema,
          always: ['ETag'],
          sometimes: ['Retry-After'],
        }),
        304: notModified(),
        ...problemReplies(['not-found', 'expired', 'precondition-failed']),
      },
    },
    async handle(request, reply, { service, contextOf }) {
      const context = contextOf(request, reply);
      const job = foundJob(request, await service.read(idOf(request), context.caller));
      if (!isDone(job)) setRetryAfter(reply, job, service);
      return sendTagged(request, reply, job, () => serializeOperation(toOperation(viewOf(job, service, context))));
    },
  },
];

function toOperation({ id, status, percentComplete, createdAt, lastUpdatedAt, error, resultUrl }: JobView): Operation {
  return {
    id,
    status: STATUSES[status],
    percentComplete,
    createdDateTime: createdAt,
    lastActionDateTime: lastUpdatedAt,
    ...(error !== null && { error }),
    ...(resultUrl !== null && { resourceLocation: resultUrl }),
  };
}
