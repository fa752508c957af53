import type { FastifyReply, FastifyRequest } from 'fastify';
import { isAdmin } from '../core/access/caller.ts';
import { type BatchView, toBatchView } from '../core/batch/batch-view.ts';
import type { Batch } from '../core/batch/batch.ts';
import { type ProblemName, ServiceError, jobNotFound } from '../core/errors.ts';
import { type DoneJob, type Job, type JobFailure, type SucceededJob, isCancelRequested } from '../core/job.ts';
import { type JobView, LazyJobView } from '../core/job-view.ts';
import type { RequestContext } from '../core/service/request-context.ts';
import type { JobService } from '../core/service/service.ts';
import { includesTag, isTagKnown } from '../http/preconditions.ts';
import { type SubmittedJob, serializeJob, serializeSubmittedJob } from './schemas.ts';

/** Sends text that is already JSON. */
export function sendJson(reply: FastifyReply, json: string): FastifyReply {
  return reply.header('Content-Type', 'application/json; charset=utf-8').send(json);
}

export function viewOf(job: Job, service: JobService, { urls, caller }: RequestContext): JobView {
  return new LazyJobView({
    job,
    type: service.registry.get(job.type),
    urls,
    retryAfterOf: service.retryAfter,
    queuePositionOf: service.queuePosition,
    showsCaller: isAdmin(caller),
  });
}

/** @throws ServiceError `not-found`; `precondition-failed`, for a request with the `If-Match` of another state */
export function foundJob(request: FastifyRequest, job: Job | undefined): Job {
  if (job === undefined) throw jobNotFound();
  requireMatch(request, job);
  return job;
}

/**
 * Weak tags are compared too, as we have no others, although RFC 9110 (section 13.1.1) matches only strong ones: the state is what
 * matters to a client that would cancel or retry the job.
 * @throws ServiceError `precondition-failed`
 */
export function requireMatch({ headers: { 'if-match': wanted } }: FastifyRequest, job: Job): void {
  if (wanted === undefined || includesTag(wanted, tagOf(job))) return;
  throw new ServiceError('precondition-failed', 'The job has changed: its ETag is none of those in If-Match.');
}

/** 202 with everything that a client needs to follow the job: `Location`, and Azure's `Operation-Location`. */
export function sendAccepted(reply: FastifyReply, view: JobView, context: RequestContext): FastifyReply {
  return sendJson(setAccepted(reply, view, context), serializeJob(view));
}

function setAccepted(reply: FastifyReply, view: JobView, { urls }: RequestContext): FastifyReply {
  return (
    reply
      .status(202)
      // The job of a repeated idempotency key may be done; a client that only looks at the status code polls once more.
      .header('Retry-After', view.retryAfter ?? 1)
      .header('Location', view.statusUrl)
      .header('Operation-Location', urls.operation(view.id))
      .header('Cache-Control', 'no-store')
  );
}

/** The 202 to a submission, with the job's access token. */
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

/** Sets `Retry-After` while the job is not done. */
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
      throw unsuccessful('job-failed', job.error);
    case 'Canceled':
      throw unsuccessful('job-canceled', job.error);
  }
}

function unsuccessful(problem: ProblemName, { code, message }: JobFailure): ServiceError {
  return new ServiceError(problem, `${code}: ${message}`, { failure: code });
}

/** Identifies one state of a job; also the id of its event. */
export function versionOf(job: Job): string {
  const { status, attempt, percentComplete, lastUpdatedAt } = job;
  const version = `${status}-${attempt}-${percentComplete}-${lastUpdatedAt.getTime().toString(36)}`;
  return isCancelRequested(job) ? `${version}-canceling` : version;
}

export function tagOf(job: Job, part?: string): string {
  return part === undefined ? `W/"${versionOf(job)}"` : `W/"${versionOf(job)}-${part}"`;
}

/**
 * Sends a body that changes with the job alone, or 304 if the client has it (RFC 9110, section 13.1.2). The tag is weak, because
 * `retryAfter` in the body changes with the time.
 * @param toJson makes the body, if it is sent
 * @param part the version of what changes in the body beside the job, if anything does
 */
export function sendTagged(
  request: FastifyRequest,
  reply: FastifyReply,
  job: Job,
  toJson: () => string,
  part?: string,
): FastifyReply {
  const tag = tagOf(job, part);
  reply.header('ETag', tag);
  if (isTagKnown(request, tag)) return reply.status(304).send();
  return sendJson(reply, toJson());
}

export function viewOfBatch(batch: Batch, service: JobService, { urls }: RequestContext): BatchView {
  return toBatchView(batch, urls, service.batchRetryAfter(batch));
}
