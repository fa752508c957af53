import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { BatchJob } from '../../core/batch/batch-service.ts';
import { type BatchView, batchViewSchema } from '../../core/batch/batch-view.ts';
import { type Batch, isBatchDone, versionOfBatch } from '../../core/batch/batch.ts';
import { batchNotFound } from '../../core/errors.ts';
import type { SucceededJob } from '../../core/job.ts';
import { requireAcceptable } from '../../http/negotiation.ts';
import { batchExample, batchResultsExample } from '../openapi/examples.ts';
import { SECURITY, describeReply, problemReplies } from '../openapi/responses.ts';
import { sendJson, viewOfBatch } from '../replies.ts';
import {
  batchPath,
  batchQuery,
  idOf,
  lastEventIdHeader,
  lastEventIdQuery,
  prefer,
  readLastEventId,
  readWait,
  readWaitSeconds,
} from '../requests.ts';
import type { RestApi, Route } from '../route.ts';
import { batchResultSchema, serializeBatch } from '../schemas.ts';
import { startingWith, toEvent, toEventStream, toLastEvent } from './events.ts';

/** JSON lines (https://jsonlines.org). */
export const JSON_LINES = 'application/jsonl';
export const BATCH_RESULTS = '/api/batches/{id}/results';
export const BATCH_EVENTS = '/api/batches/{id}/events';

/** @throws ServiceError `not-found` */
function found(batch: Batch | undefined): Batch {
  if (batch === undefined) throw batchNotFound();
  return batch;
}

/** 202 while a job is not done, and then 200. */
function sendBatch(reply: FastifyReply, batch: Batch, view: BatchView): FastifyReply {
  if (view.retryAfter !== null) reply.header('Retry-After', view.retryAfter);
  return sendJson(reply.status(isBatchDone(batch) ? 200 : 202), serializeBatch(view));
}

const shared = { tags: ['Batches'], security: SECURITY.callers };

const getBatch: Route<RestApi> = {
  method: 'GET',
  path: '/api/batches/{id}',
  operation: {
    ...shared,
    operationId: 'getBatch',
    summary: 'Follow a batch',
    description:
      'How many jobs of the batch have each status. A polling loop needs the status code alone: 202, wait `Retry-After` seconds and ask again; 200, all jobs are done.',
    requestParams: { path: batchPath, query: batchQuery, header: z.object({ Prefer: prefer }) },
    responses: {
      200: describeReply({
        description: 'All jobs are done.',
        schema: batchViewSchema,
        examples: { done: batchExample('done') },
        sometimes: ['Preference-Applied', 'Vary'],
      }),
      202: describeReply({
        description: 'Jobs wait or run.',
        schema: batchViewSchema,
        examples: { running: batchExample('running') },
        always: ['Retry-After'],
        sometimes: ['Preference-Applied', 'Vary'],
      }),
      ...problemReplies(['invalid-input', 'not-found'], ['Preference-Applied', 'Vary']),
    },
  },
  async handle(request, reply, { service, contextOf }) {
    const context = contextOf(request, reply);
    const asked = readWaitSeconds(request.query);
    const wait = readWait(request, reply) ?? asked ?? 0;
    const batch = found(await service.waitForBatch(idOf(request), context.caller, wait, context.whenGone()));
    return sendBatch(reply, batch, viewOfBatch(batch, service, context));
  },
};

const watchBatch: Route<RestApi> = {
  method: 'GET',
  path: BATCH_EVENTS,
  streams: true,
  operation: {
    ...shared,
    operationId: 'watchBatch',
    summary: 'Watch a batch',
    description:
      "Server-sent events (HTML, section 9.2): the batch at once, then each change of its counts, at most twice a second. `data` is the batch's JSON, and `id` its version. The stream ends when all jobs are done.",
    requestParams: {
      path: batchPath,
      header: z.object({ 'Last-Event-ID': lastEventIdHeader }),
      query: z.object({ lastEventId: lastEventIdQuery }),
    },
    responses: {
      200: describeReply({
        description: 'The stream.',
        mediaType: 'text/event-stream',
        schema: { type: 'string' },
        always: ['X-Accel-Buffering'],
        examples: {
          running: { summary: 'A batch whose jobs run', value: 'retry: 1000\n\nid: 3-1-6-0-0\ndata: {"id":"…",…}\n\n' },
        },
      }),
      204: describeReply({ description: 'The client has the final state already, and does not need to reconnect.' }),
      ...problemReplies(['not-found']),
    },
  },
  async handle(request, reply, { service, contextOf }) {
    requireAcceptable(request, ['text/event-stream']);
    const context = contextOf(request, reply);
    const states = service.watchBatch(idOf(request), context.caller, context.whenGone());
    const { value } = await states.next();
    const batch = found(value ?? undefined);
    const known = readLastEventId(request);
    const isKnown = isBatchDone(batch) && versionOfBatch(batch) === known;
    if (!isKnown) reply.type('text/event-stream; charset=utf-8').header('X-Accel-Buffering', 'no');
    if (isKnown || request.method === 'HEAD') {
      await states.return();
      return reply.status(isKnown ? 204 : 200).send();
    }
    const toBatchEvent = (state: Batch): string =>
      toEvent(versionOfBatch(state), serializeBatch(viewOfBatch(state, service, context)));
    if (isBatchDone(batch)) {
      await states.return();
      return reply.send(toLastEvent(toBatchEvent(batch)));
    }
    const toNewEvent = (state: Batch): string => (versionOfBatch(state) === known ? '' : toBatchEvent(state));
    return reply.send(Readable.from(toEventStream(startingWith(batch, states), toNewEvent)));
  },
};

const getResults: Route<RestApi> = {
  method: 'GET',
  path: BATCH_RESULTS,
  streams: true,
  operation: {
    ...shared,
    operationId: 'getBatchResults',
    summary: 'Read the results of a batch',
    description:
      'JSON lines: one line for each job, in the order of the items. A job that is not done has neither result nor error yet; an item that was refused has no line.',
    requestParams: { path: batchPath },
    responses: {
      200: describeReply({
        description: 'One JSON object on each line.',
        mediaType: JSON_LINES,
        schema: batchResultSchema,
        examples: { lines: batchResultsExample },
      }),
      ...problemReplies(['not-found']),
    },
  },
  async handle(request, reply, { service, contextOf }) {
    requireAcceptable(request, [JSON_LINES]);
    const { caller, urls } = contextOf(request, reply);
    const pages = await service.readBatchJobs(idOf(request), caller);
    reply.type(`${JSON_LINES}; charset=utf-8`);
    if (request.method === 'HEAD') return reply.send();
    return reply.send(Readable.from(toLines(pages, (job) => service.showResult(job, urls))));
  },
};

/** The next page is read when the client has taken the one before. */
async function* toLines(
  pages: AsyncGenerator<readonly BatchJob[], void, void>,
  show: (job: SucceededJob) => unknown,
): AsyncGenerator<string, void, void> {
  for await (const page of pages) {
    const lines = await Promise.all(page.map((each) => toLine(each, show)));
    yield lines.join('');
  }
}

async function toLine({ index, job }: BatchJob, show: (job: SucceededJob) => unknown): Promise<string> {
  const { id, status } = job;
  const outcome = job.status === 'Succeeded' ? { result: await show(job) } : 'error' in job ? { error: job.error } : {};
  return `${JSON.stringify({ index, id, status, ...outcome })}\n`;
}

const cancelBatch: Route<RestApi> = {
  method: 'POST',
  path: '/api/batches/{id}/cancel',
  operation: {
    ...shared,
    operationId: 'cancelBatch',
    summary: 'Cancel a batch',
    description:
      'Cancels all jobs of the batch that are not done: those that wait at once, and those that run are asked to stop, which may take a while. Sent again, the reply is the same.',
    requestParams: { path: batchPath },
    responses: {
      200: describeReply({
        description: 'All jobs are done.',
        schema: batchViewSchema,
        examples: { done: batchExample('done') },
      }),
      202: describeReply({
        description: 'Jobs that run were asked to stop.',
        schema: batchViewSchema,
        examples: { running: batchExample('running') },
        always: ['Location', 'Retry-After'],
      }),
      ...problemReplies(['not-found', 'too-large', 'unsupported-media-type']),
    },
  },
  async handle(request: FastifyRequest, reply, { service, contextOf }) {
    const context = contextOf(request, reply);
    const batch = await service.cancelBatch(idOf(request), context.caller);
    const view = viewOfBatch(batch, service, context);
    if (!isBatchDone(batch)) reply.header('Location', view.statusUrl);
    return sendBatch(reply.header('Cache-Control', 'no-store'), batch, view);
  },
};

/** `/api/batches`: follows, reads and cancels batches of all types. */
export const batchRoutes: readonly Route<RestApi>[] = [getBatch, watchBatch, getResults, cancelBatch];
