import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { JobType } from '../../core/define-job.ts';
import { ServiceError } from '../../core/errors.ts';
import { type DoneJob, isDone } from '../../core/job.ts';
import { type JobView, jobViewSchema } from '../../core/job-view.ts';
import type { RequestContext } from '../../core/service/request-context.ts';
import type { JobService } from '../../core/service/service.ts';
import {
  canceledExample,
  failedExample,
  pendingExample,
  runningExample,
  submittedExample,
} from '../openapi/examples.ts';
import {
  ACCEPTED,
  type HeaderName,
  JOB_LINKS,
  SECURITY,
  describeReply,
  notModified,
  problemReplies,
} from '../openapi/responses.ts';
import {
  foundJob,
  requireMatch,
  requireSucceeded,
  sendAccepted,
  sendJson,
  sendSubmitted,
  sendTagged,
  setRetryAfter,
  tagOf,
  viewOf,
} from '../replies.ts';
import {
  SYNCHRONOUS_SECONDS,
  idOf,
  ifMatch,
  ifNoneMatch,
  jobPath,
  listQuery,
  pollQuery,
  prefer,
  readListOptions,
  readPollOptions,
  readWait,
} from '../requests.ts';
import type { RestApi, Route } from '../route.ts';
import { jobListSchema, schemasOf, serializeJob, serializeJobList, submittedJobSchema } from '../schemas.ts';

/** `/api/jobs`: lists, follows, cancels and retries jobs of all types. */
export function jobRoutes(types: readonly JobType[]): Route<RestApi>[] {
  const [sample] = types;
  // A registry has at least one type.
  if (sample === undefined) return [];
  const results = [...new Set(types.map((type) => schemasOf(type).result))];
  return [listJobs(types), getJob(sample, results), cancelJob(sample), getJobResult(results), retryJob(sample)];
}

const shared = { tags: ['Jobs'], security: SECURITY.tokenHolders };
const header = z.object({ 'If-None-Match': ifNoneMatch, 'If-Match': ifMatch });
const changeHeader = z.object({ 'If-Match': ifMatch });
/** Headers that answer `Prefer`. */
const WAITED: readonly HeaderName[] = ['Preference-Applied', 'Vary'];

const listJobs = (types: readonly JobType[]): Route<RestApi> => ({
  method: 'GET',
  path: '/api/jobs',
  operation: {
    ...shared,
    operationId: 'listJobs',
    summary: 'List jobs',
    description: "The caller's jobs, of all types or of one, newest first, a page at a time.",
    security: SECURITY.callers,
    requestParams: { query: listQuery(types.map(({ name }) => name)) },
    responses: {
      200: describeReply({ description: 'A page of jobs.', schema: jobListSchema, sometimes: ['Link'] }),
      ...problemReplies(['invalid-input']),
    },
  },
  async handle(request, reply, { service, contextOf }) {
    const context = contextOf(request, reply);
    const filter = readListOptions(request.query);
    const { jobs, nextCursor } = await service.list(filter, context.caller);
    if (nextCursor !== null) {
      reply.header('Link', `<${context.urls.base}${withCursor(request.url, nextCursor)}>; rel="next"`);
    }
    const items = jobs.map((job) => viewOf(job, service, context));
    return sendJson(reply, serializeJobList({ items, nextCursor }));
  },
});

const getJob = (sample: JobType, results: readonly z.ZodType[]): Route<RestApi> => ({
  method: 'GET',
  path: '/api/jobs/{id}',
  operation: {
    ...shared,
    operationId: 'getJob',
    summary: 'Follow a job',
    description:
      'A polling loop needs the status code alone: 202, wait `Retry-After` seconds and ask again; 200 after the redirect, this is the result; anything else is a problem.',
    requestParams: { path: jobPath, query: pollQuery, header: header.extend({ Prefer: prefer }) },
    responses: {
      200: describeReply({
        description:
          'With `onPending=ok` or `onComplete=status`: the job. With `onComplete=stream`: the result of the job, which is done.',
        schema: z.union([jobViewSchema, ...results]),
        examples: { running: runningExample(sample), failed: failedExample(sample) },
        always: ['ETag'],
        sometimes: ['Retry-After', ...WAITED],
      }),
      202: describeReply({
        description: 'The job is not done.',
        schema: jobViewSchema,
        examples: { pending: pendingExample(sample), running: runningExample(sample) },
        always: ['ETag', 'Retry-After'],
        sometimes: WAITED,
      }),
      303: describeReply({
        description:
          'The job is done. `Location` is the resource that it made, or else its result, which also says why a job failed or was canceled.',
        schema: jobViewSchema,
        always: ['Location', 'ETag'],
        sometimes: WAITED,
      }),
      304: notModified(WAITED),
      ...problemReplies(
        ['invalid-input', 'not-found', 'expired', 'precondition-failed', 'job-canceled', 'job-failed'],
        WAITED,
      ),
    },
  },
  async handle(request, reply, { service, contextOf }) {
    const context = contextOf(request, reply);
    const { onPending, onComplete } = readPollOptions(request.query);
    const wait = readWait(request, reply) ?? (onPending === 'synchronous' ? SYNCHRONOUS_SECONDS : 0);
    const id = idOf(request);
    const job = foundJob(
      request,
      wait === 0
        ? await service.read(id, context.caller)
        : await service.wait(id, context.caller, wait, context.whenGone()),
    );
    const toView = (): string => serializeJob(viewOf(job, service, context));
    if (!isDone(job)) {
      setRetryAfter(reply, job, service);
      return sendTagged(request, reply.status(onPending === 'ok' ? 200 : 202), job, toView);
    }
    if (onComplete === 'status') return sendTagged(request, reply, job, toView);
    if (onComplete === 'stream') return sendResult(request, reply, job, service, context);
    const view = viewOf(job, service, context);
    reply.status(303).header('Location', locationOf(view, context)).header('ETag', tagOf(job));
    return sendJson(reply, serializeJob(view));
  },
});

const cancelJob = (sample: JobType): Route<RestApi> => ({
  method: 'DELETE',
  path: '/api/jobs/{id}',
  operation: {
    ...shared,
    operationId: 'cancelJob',
    summary: 'Cancel a job',
    description:
      'A pending job is canceled at once. A running job is asked to stop, which may take a while. Sent again, the reply is the same.',
    requestParams: { path: jobPath, header: changeHeader },
    responses: {
      200: describeReply({
        description: 'Canceled.',
        schema: jobViewSchema,
        examples: { canceled: canceledExample(sample) },
      }),
      202: describeReply({
        description: 'The job is running, and has been asked to stop.',
        schema: jobViewSchema,
        examples: { running: runningExample(sample) },
        always: ACCEPTED,
        links: JOB_LINKS,
      }),
      ...problemReplies([
        'not-found',
        'expired',
        'not-cancelable',
        'precondition-failed',
        'too-large',
        'unsupported-media-type',
      ]),
    },
  },
  async handle(request, reply, { service, contextOf }) {
    const context = contextOf(request, reply);
    const job = await service.cancel(idOf(request), context.caller, (now) => requireMatch(request, now));
    const view = viewOf(job, service, context);
    if (!isDone(job)) return sendAccepted(reply, view, context);
    return sendJson(reply.header('Cache-Control', 'no-store'), serializeJob(view));
  },
});

/** A linter of documents has objections to a union of one. */
function anyOf(schemas: readonly z.ZodType[]): z.ZodType {
  const [only] = schemas;
  return schemas.length === 1 && only !== undefined ? only : z.union(schemas);
}

const getJobResult = (results: readonly z.ZodType[]): Route<RestApi> => ({
  method: 'GET',
  path: '/api/jobs/{id}/result',
  operation: {
    ...shared,
    operationId: 'getJobResult',
    summary: 'Read the result of a job',
    description: 'What the work returned; or a problem that says why there is no result.',
    requestParams: { path: jobPath, header },
    responses: {
      200: describeReply({
        description: 'The job has succeeded: its result.',
        schema: anyOf(results),
        always: ['ETag'],
      }),
      304: notModified(),
      ...problemReplies([
        'not-found',
        'expired',
        'precondition-failed',
        'result-not-ready',
        'job-canceled',
        'job-failed',
      ]),
    },
  },
  async handle(request, reply, { service, contextOf }) {
    const context = contextOf(request, reply);
    const job = foundJob(request, await service.read(idOf(request), context.caller));
    if (isDone(job)) return sendResult(request, reply, job, service, context);
    throw new ServiceError('result-not-ready', `The job is ${job.status.toLowerCase()}. Try again later.`, {
      retryAfter: service.retryAfter(job) ?? 1,
    });
  },
});

const retryJob = (sample: JobType): Route<RestApi> => ({
  method: 'POST',
  path: '/api/jobs/{id}/retry',
  operation: {
    ...shared,
    operationId: 'retryJob',
    summary: 'Retry a job',
    description: 'Queues a failed or canceled job again, under the same id and with all its attempts.',
    security: SECURITY.callers,
    requestParams: { path: jobPath, header: changeHeader },
    responses: {
      202: describeReply({
        description: 'Accepted: the queue has the job again.',
        schema: submittedJobSchema,
        examples: { pending: submittedExample(sample) },
        always: ACCEPTED,
        links: JOB_LINKS,
      }),
      ...problemReplies([
        'not-found',
        'expired',
        'not-retryable',
        'precondition-failed',
        'too-large',
        'unsupported-media-type',
      ]),
    },
  },
  async handle(request, reply, { service, contextOf }) {
    const context = contextOf(request, reply);
    const job = await service.retry(idOf(request), context.caller, (now) => requireMatch(request, now));
    return sendSubmitted(reply, job, service, context);
  },
});

/** @throws ServiceError `job-failed`, `job-canceled` */
async function sendResult(
  request: FastifyRequest,
  reply: FastifyReply,
  job: DoneJob,
  service: JobService,
  { urls }: RequestContext,
): Promise<FastifyReply> {
  const result = await service.showResult(requireSucceeded(job), urls);
  return sendTagged(request, reply, job, () => JSON.stringify(result), service.resultVersion(job));
}

/** Where a job that is done redirects to. An access token grants its result, and no resource. */
function locationOf({ id, resourceUrl }: JobView, { caller, accessToken, urls }: RequestContext): string {
  if (caller.kind === 'principal') return resourceUrl ?? urls.result(id);
  return urls.result(id) + (accessToken === undefined ? '' : `?access_token=${accessToken}`);
}

/** The path and query of the next page of a list. */
function withCursor(url: string, cursor: string): string {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  searchParams.set('cursor', cursor);
  return `${pathname}?${searchParams.toString()}`;
}
