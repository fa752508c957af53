import type { FastifyReply } from 'fastify';
import { ServiceError } from '../core/errors.ts';
import type { DoneJob, Job, SucceededJob } from '../core/job.ts';
import { type JobView, LazyJobView } from '../core/job-view.ts';
import type { RequestContext } from '../core/service/request-context.ts';
import type { JobService } from '../core/service/service.ts';
import { sendJson } from './json-reply.ts';
import type { SubmittedJob } from './reply-schemas.ts';
import { serializeJob, serializeSubmittedJob } from './serializers.ts';

export function viewOf(job: Job, service: JobService, { urls }: RequestContext): JobView {
  return new LazyJobView(job, service.registry.get(job.type), urls, service.retryAfter);
}

/** 202, and everything that says where the job can be followed: `Location`, and Azure's `Operation-Location`. */
export function sendAccepted(reply: FastifyReply, view: JobView, context: RequestContext): FastifyReply {
  return sendJson(setAccepted(reply, view, context), serializeJob(view));
}

function setAccepted(reply: FastifyReply, view: JobView, { urls }: RequestContext): FastifyReply {
  return (
    reply
      .status(202)
      // A job that an idempotency key had made may be done; who reads the status code alone asks again like everybody.
      .header('Retry-After', view.retryAfter ?? 1)
      .header('Location', view.statusUrl)
      .header('Operation-Location', urls.operation(view.id))
      .header('Cache-Control', 'no-store')
  );
}

/** The 202 to a submission, with the key of the job. */
export async function sendSubmitted(
  reply: FastifyReply,
  job: Job,
  service: JobService,
  context: RequestContext,
): Promise<FastifyReply> {
  const accessToken = await service.accessToken(job);
  const submitted: SubmittedJob = Object.assign(viewOf(job, service, context), { accessToken });
  return sendJson(setAccepted(reply, submitted, context), serializeSubmittedJob(submitted));
}

/** Says when to ask again, where the job is not done. */
export function setRetryAfter(reply: FastifyReply, job: Job, service: JobService): void {
  const retryAfter = service.retryAfter(job);
  if (retryAfter !== null) reply.header('Retry-After', retryAfter);
}

/** @throws ServiceError `job-failed`, `job-canceled` */
export function requireSucceeded(job: DoneJob): SucceededJob {
  switch (job.status) {
    case 'Succeeded':
      return job;
    case 'Failed':
      throw new ServiceError('job-failed', `${job.error.code}: ${job.error.message}`);
    case 'Canceled':
      throw new ServiceError('job-canceled', `${job.error.code}: ${job.error.message}`);
  }
}
