import type { FastifyInstance } from 'fastify';
import type { JobType } from '../core/define-job.ts';
import { ServiceError, isQueueAway } from '../core/errors.ts';
import { readIdempotencyKey } from '../core/idempotency-key.ts';
import { isDone } from '../core/job.ts';
import { addEndpoint } from './endpoint.ts';
import { idOf } from './find-job.ts';
import { readWait } from './prefer.ts';
import { requireSucceeded, sendSubmitted } from './replies.ts';
import type { RestFaceOptions } from './routes.ts';

/** `/api/{collection}`: takes submissions of one job type, and shows what the work made. */
export function addCollectionRoutes(app: FastifyInstance, type: JobType, options: RestFaceOptions): void {
  const { service, contextOf } = options;

  addEndpoint(app, `/api/${type.collection}`, {
    async POST(request, reply) {
      const context = contextOf(request, reply);
      const { caller, requestId, urls } = context;
      const idempotencyKey = readIdempotencyKey(undefined, context.idempotencyKeyHeader);
      const wait = readWait(request, reply) ?? 0;
      const { job, replayed } = await service.submit({ type, input: request.body, caller, requestId, idempotencyKey });
      if (replayed) reply.header('Idempotency-Replayed', 'true');

      // Who submitted gets the key of the job, and so may wait for it without the scope to read others.
      const holder = { kind: 'job-key', jobId: job.id, createdAt: job.createdAt.getTime() } as const;
      const waiting = () => service.wait(job.id, holder, wait, context.whenGone());
      const later = wait === 0 ? job : ((await unlessAway(waiting)) ?? job);
      if (wait === 0 || !isDone(later)) return sendSubmitted(reply, later, service, context);
      reply
        .header('Location', urls.job(job.id))
        .header('Operation-Location', urls.operation(job.id))
        .header('Cache-Control', 'no-store');
      const { result } = requireSucceeded(later);
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

/** A submission that was accepted stays so, also if the queue can't be asked any more. */
async function unlessAway<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isQueueAway(error)) return undefined;
    throw error;
  }
}
