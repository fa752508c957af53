import type { FastifyReply } from 'fastify';
import { ServiceError } from '../core/errors.ts';
import { type DoneJob, type Job } from '../core/job.ts';
import { type JobView, toJobView } from '../core/job-view.ts';
import type { RequestContext } from '../core/request-context.ts';
import type { JobService } from '../core/service.ts';
import type { SubmittedJob } from './reply-schemas.ts';

export function viewOf(job: Job, service: JobService, { urls }: RequestContext): JobView {
  return toJobView(job, service.registry.get(job.type), urls, service.retryAfter(job));
}

/** 202, and everything that says where the job can be followed: `Location`, and Azure's `Operation-Location`. */
export function sendAccepted(reply: FastifyReply, view: JobView, { urls }: RequestContext): FastifyReply {
  return (
    reply
      .status(202)
      // A job that an idempotency key had made may be done; who reads the status code alone asks again like everybody.
      .header('Retry-After', view.retryAfter ?? 1)
      .header('Location', view.statusUrl)
      .header('Operation-Location', urls.operation(view.id))
      .header('Cache-Control', 'no-store')
      .send(view)
  );
}

/** The 202 to a submission, with the key of the job. */
export async function sendSubmitted(
  reply: FastifyReply,
  job: Job,
  service: JobService,
  context: RequestContext,
): Promise<FastifyReply> {
  const submitted: SubmittedJob = { ...viewOf(job, service, context), accessToken: await service.accessToken(job) };
  return sendAccepted(reply, submitted, context);
}

/** Says when to ask again, where the job is not done. */
export function setRetryAfter(reply: FastifyReply, { retryAfter }: { readonly retryAfter: number | null }): void {
  if (retryAfter !== null) reply.header('Retry-After', retryAfter);
}

/** @throws ServiceError `job-failed`, `job-canceled` */
export function resultOf(job: DoneJob): unknown {
  switch (job.status) {
    case 'Succeeded':
      return job.result;
    case 'Failed':
      throw new ServiceError('job-failed', `${job.error.code}: ${job.error.message}`);
    case 'Canceled':
      throw new ServiceError('job-canceled', `${job.error.code}: ${job.error.message}`);
  }
}
