import type { FastifyInstance } from 'fastify';
import type { JobType } from '../../core/define-job.ts';
import { ServiceError } from '../../core/errors.ts';
import { readIdempotencyKey } from '../../core/input/idempotency-key.ts';
import { isDone } from '../../core/job.ts';
import { addEndpoint } from '../../http/endpoint.ts';
import { idOf } from './find-job.ts';
import { readWait } from './prefer.ts';
import { requireSucceeded, sendSubmitted } from '../replies.ts';
import type { RestFaceOptions } from './find-job.ts';

/** `/api/{collection}`: takes submissions of one job type, and shows what the work made. */
export function addCollectionRoutes(app: FastifyInstance, type: JobType, options: RestFaceOptions): void {
  const { service, contextOf } = options;

  addEndpoint(app, `/api/${type.collection}`, {
    async POST(request, reply) {
      const context = contextOf(request, reply);
      const { caller, requestId, urls } = context;
      const idempotencyKey = readIdempotencyKey(undefined, context.idempotencyKeyHeader);
      const wait = readWait(request, reply) ?? 0;
      const submission = { type, input: request.body, caller, requestId, idempotencyKey };
      const { job, replayed } =
        wait === 0
          ? await service.submit(submission)
          : await service.submitAndWait(submission, wait, context.whenGone());
      if (replayed) reply.header('Idempotency-Replayed', 'true');
      if (wait === 0 || !isDone(job)) return sendSubmitted(reply, job, service, context);
      reply
        .header('Location', urls.job(job.id))
        .header('Operation-Location', urls.operation(job.id))
        .header('Cache-Control', 'no-store');
      const { result } = requireSucceeded(job);
      return reply.header('Content-Location', urls.result(job.id)).send(result);
    },
  });

  if (type.resource === undefined) return;
  addEndpoint(app, `/api/${type.collection}/:id`, {
    async GET(request, reply) {
      const resource = await service.findResource(type, idOf(request), contextOf(request, reply).caller);
      if (resource === undefined) throw new ServiceError('not-found', `There is no ${type.name} with this id.`);
      return reply.send(resource);
    },
  });
}
