import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { JobType } from '../core/define-job.ts';
import { ServiceError } from '../core/errors.ts';
import { type DoneJob, type Job, isDone } from '../core/job.ts';
import { type JobView, toJobView } from '../core/job-view.ts';
import type { JobService } from '../core/service.ts';
import type { Urls } from '../core/urls.ts';
import { readPollOptions } from './poll-options.ts';

export interface RestFaceOptions {
  readonly service: JobService;
  urlsOf(request: FastifyRequest): Urls;
}

interface IdParams {
  Params: { id: string };
}

/** The REST face, under `/api`: the Asynchronous Request-Reply pattern over plain HTTP. */
export function createRestFace({ service, urlsOf }: RestFaceOptions): (app: FastifyInstance) => Promise<void> {
  return async (app) => {
    // JSON is the one media type of this face; Fastify would take plain text too.
    app.removeContentTypeParser('text/plain');

    for (const type of service.registry.types) addCollection(app, type);

    app.get<IdParams>('/api/jobs/:id', async (request, reply) => {
      const { onpending, oncomplete } = readPollOptions(request.query);
      const { job, view } = await find(request);
      if (!isDone(job)) return sendPending(reply.status(onpending === 'ok' ? 200 : 202), view);
      if (oncomplete === 'status') return reply.send(view);
      if (oncomplete === 'stream') return sendResult(reply, job);
      const location = view.resourceUrl ?? urlsOf(request).result(job.id);
      return reply.status(303).header('Location', location).send(view);
    });

    app.get<IdParams>('/api/jobs/:id/result', async (request, reply) => {
      const { job, view } = await find(request);
      if (isDone(job)) return sendResult(reply, job);
      const retryAfter = view.retryAfter ?? 1;
      throw new ServiceError('result-not-ready', `The job is ${job.status.toLowerCase()}; ask again later.`, {
        retryAfter,
      });
    });
  };

  function addCollection(app: FastifyInstance, type: JobType): void {
    app.post(`/api/${type.collection}`, async (request, reply) => {
      const job = await service.submit(type, request.body, request.id);
      const view = toJobView(job, type, urlsOf(request));
      return sendPending(reply.status(202).header('Location', view.statusUrl), view);
    });
    if (type.resource === undefined) return;
    app.get<IdParams>(`/api/${type.collection}/:id`, async (request, reply) => {
      const resource = await service.findResource(type, request.params.id);
      if (resource === undefined) throw new ServiceError('not-found', `There is no ${type.name} with this id.`);
      return reply.send(resource);
    });
  }

  async function find(request: FastifyRequest<IdParams>): Promise<{ job: Job; view: JobView }> {
    const job = await service.read(request.params.id);
    const type = job && service.registry.get(job.type);
    if (job === undefined || type === undefined) throw new ServiceError('not-found', 'There is no job with this id.');
    return { job, view: toJobView(job, type, urlsOf(request)) };
  }
}

function sendPending(reply: FastifyReply, view: JobView): FastifyReply {
  return reply.header('Retry-After', view.retryAfter ?? 1).send(view);
}

function sendResult(reply: FastifyReply, job: DoneJob): FastifyReply {
  switch (job.status) {
    case 'Succeeded':
      return reply.send(job.result);
    case 'Failed':
      throw new ServiceError('job-failed', `${job.error.code}: ${job.error.message}`);
    case 'Canceled':
      throw new ServiceError('job-canceled', `${job.error.code}: ${job.error.message}`);
  }
}
