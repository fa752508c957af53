import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import { type JobStatus, isDone } from '../../core/job.ts';
import type { JobView } from '../../core/job-view.ts';
import { addEndpoint } from '../../http/endpoint.ts';
import { sendTagged } from './entity-tag.ts';
import { findJob } from './find-job.ts';
import type { operationSchema } from '../reply-schemas.ts';
import { setRetryAfter, viewOf } from '../replies.ts';
import type { RestFaceOptions } from './find-job.ts';
import { serializeOperation } from '../serializers.ts';

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
 * "Long-Running Operations & Jobs"), which is 200 as long as the job can be read.
 */
export function addOperationRoutes(app: FastifyInstance, { service, contextOf }: RestFaceOptions): void {
  addEndpoint(app, '/api/operations/:id', {
    async GET(request, reply) {
      const context = contextOf(request, reply);
      const job = await findJob(request, context, service);
      if (!isDone(job)) setRetryAfter(reply, job, service);
      return sendTagged(request, reply, job, () => serializeOperation(toOperation(viewOf(job, service, context))));
    },
  });
}

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
