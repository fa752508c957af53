import type { FastifyReply, FastifyRequest } from 'fastify';
import { jobNotFound } from '../../core/errors.ts';
import type { Job } from '../../core/job.ts';
import type { RequestContext } from '../../core/service/request-context.ts';
import type { JobService } from '../../core/service/service.ts';

export interface RestFaceOptions {
  readonly service: JobService;
  contextOf(request: FastifyRequest, reply: FastifyReply): RequestContext;
}

/** @throws ServiceError `not-found` */
export async function findJob(request: FastifyRequest, { caller }: RequestContext, service: JobService): Promise<Job> {
  return foundJob(await service.read(idOf(request), caller));
}

/** @throws ServiceError `not-found` */
export function foundJob(job: Job | undefined): Job {
  if (job === undefined) throw jobNotFound();
  return job;
}

export function idOf({ params }: FastifyRequest): string {
  // The routes that use it have a parameter of this name.
  return (params as { id: string }).id;
}
