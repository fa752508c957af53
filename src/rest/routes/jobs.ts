import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ServiceError, jobNotFound } from '../../core/errors.ts';
import { type DoneJob, type Job, isDone } from '../../core/job.ts';
import type { JobView } from '../../core/job-view.ts';
import type { RequestContext } from '../../core/service/request-context.ts';
import { addEndpoint } from '../../http/endpoint.ts';
import { sendTagged, tagOf, versionOf } from './entity-tag.ts';
import { toEventStream, toLastEvent } from './event-stream.ts';
import { findJob, foundJob, idOf } from './find-job.ts';
import { readListOptions } from './list-options.ts';
import { requireAcceptable } from '../../http/negotiation.ts';
import { readPollOptions } from './poll-options.ts';
import { readWait } from './prefer.ts';
import { sendJson } from '../json-reply.ts';
import { requireSucceeded, sendAccepted, sendSubmitted, setRetryAfter, viewOf } from '../replies.ts';
import type { RestFaceOptions } from './find-job.ts';
import { serializeJob, serializeJobList } from '../serializers.ts';

/** How long `onPending=synchronous` holds a reply when `Prefer` does not say. */
const SYNCHRONOUS_SECONDS = 30;

/** `/api/jobs`: lists, follows, cancels and retries jobs of all types. */
export function addJobRoutes(app: FastifyInstance, { service, contextOf }: RestFaceOptions): void {
  addEndpoint(app, '/api/jobs', {
    async GET(request, reply) {
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

  addEndpoint(app, '/api/jobs/:id', {
    async GET(request, reply) {
      const context = contextOf(request, reply);
      const { onpending, oncomplete } = readPollOptions(request.query);
      const wait = readWait(request, reply) ?? (onpending === 'synchronous' ? SYNCHRONOUS_SECONDS : 0);
      const id = idOf(request);
      const job = foundJob(
        wait === 0
          ? await service.read(id, context.caller)
          : await service.wait(id, context.caller, wait, context.whenGone()),
      );
      const toView = (): string => serializeJob(viewOf(job, service, context));
      if (!isDone(job)) {
        setRetryAfter(reply, job, service);
        return sendTagged(request, reply.status(onpending === 'ok' ? 200 : 202), job, toView);
      }
      if (oncomplete === 'status') return sendTagged(request, reply, job, toView);
      if (oncomplete === 'stream') return sendResult(request, reply, job);
      const view = viewOf(job, service, context);
      reply.status(303).header('Location', locationOf(view, context)).header('ETag', tagOf(job));
      return sendJson(reply, serializeJob(view));
    },
    async DELETE(request, reply) {
      const context = contextOf(request, reply);
      const job = await service.cancel(idOf(request), context.caller);
      const view = viewOf(job, service, context);
      if (!isDone(job)) return sendAccepted(reply, view, context);
      return sendJson(reply.header('Cache-Control', 'no-store'), serializeJob(view));
    },
  });

  addEndpoint(app, '/api/jobs/:id/result', {
    async GET(request, reply) {
      const job = await findJob(request, contextOf(request, reply), service);
      if (isDone(job)) return sendResult(request, reply, job);
      throw new ServiceError('result-not-ready', `The job is ${job.status.toLowerCase()}; ask again later.`, {
        retryAfter: service.retryAfter(job) ?? 1,
      });
    },
  });

  addEndpoint(app, '/api/jobs/:id/retry', {
    async POST(request, reply) {
      const context = contextOf(request, reply);
      const job = await service.retry(idOf(request), context.caller);
      return sendSubmitted(reply, job, service, context);
    },
  });

  addEndpoint(app, '/api/jobs/:id/events', {
    async GET(request, reply) {
      requireAcceptable(request, ['text/event-stream']);
      const context = contextOf(request, reply);
      const states = service.watch(idOf(request), context.caller, context.whenGone());
      const { value: job } = await states.next();
      if (job === undefined) throw jobNotFound();
      reply.type('text/event-stream; charset=utf-8').header('Cache-Control', 'no-store');
      const lastEventId = request.headers['last-event-id']?.toString();
      // The client has it all; 204 keeps it from connecting again (HTML, section 9.2.3).
      const hasIt = isDone(job) && versionOf(job) === lastEventId;
      if (hasIt || request.method === 'HEAD') {
        await states.return();
        return (hasIt ? reply.removeHeader('Content-Type').status(204) : reply).send();
      }
      const toData = (state: Job) => serializeJob(viewOf(state, service, context));
      if (isDone(job)) {
        await states.return();
        return reply.send(toLastEvent(job, toData));
      }
      return reply.send(Readable.from(toEventStream(startingWith(job, states), toData, { lastEventId })));
    },
  });
}

async function* startingWith<T>(first: T, rest: AsyncGenerator<T, void, void>): AsyncGenerator<T, void, void> {
  try {
    yield first;
    yield* rest;
  } finally {
    // Whoever leaves at the first one has not begun with the others.
    await rest.return();
  }
}

/** @throws ServiceError `job-failed`, `job-canceled` */
function sendResult(request: FastifyRequest, reply: FastifyReply, job: DoneJob): FastifyReply {
  const succeeded = requireSucceeded(job);
  return sendTagged(request, reply, job, () => JSON.stringify(succeeded.result));
}

/** Where a job that is done leads. Its key opens its result, and not what else there is. */
function locationOf({ id, resourceUrl }: JobView, { caller, accessToken, urls }: RequestContext): string {
  if (caller.kind === 'principal') return resourceUrl ?? urls.result(id);
  return urls.result(id) + (accessToken === undefined ? '' : `?access_token=${accessToken}`);
}

/** The path and query of a list, for its next page. */
function withCursor(url: string, cursor: string): string {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  searchParams.set('cursor', cursor);
  return `${pathname}?${searchParams.toString()}`;
}
