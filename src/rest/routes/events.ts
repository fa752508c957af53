import { Readable } from 'node:stream';
import { z } from 'zod';
import { jobNotFound } from '../../core/errors.ts';
import { type Job, isDone } from '../../core/job.ts';
import { requireAcceptable } from '../../http/negotiation.ts';
import { SECURITY, describeReply, problemReplies } from '../openapi/responses.ts';
import { requireMatch, versionOf, viewOf } from '../replies.ts';
import { idOf, ifMatch, jobPath, lastEventIdHeader, lastEventIdQuery, readLastEventId } from '../requests.ts';
import type { RestApi, Route } from '../route.ts';
import { serializeJob } from '../schemas.ts';

export const eventsRoute: Route<RestApi> = {
  method: 'GET',
  path: '/api/jobs/{id}/events',
  streams: true,
  operation: {
    tags: ['Jobs'],
    security: SECURITY.tokenHolders,
    operationId: 'watchJob',
    summary: 'Watch a job',
    description:
      "Server-sent events (HTML, section 9.2): the job at once, then each change. `data` is the job's JSON, and `id` its version. The stream ends after the final state.",
    requestParams: {
      path: jobPath,
      header: z.object({ 'Last-Event-ID': lastEventIdHeader, 'If-Match': ifMatch }),
      query: z.object({ lastEventId: lastEventIdQuery }),
    },
    responses: {
      200: describeReply({
        description: 'The stream.',
        mediaType: 'text/event-stream',
        schema: { type: 'string' },
        always: ['X-Accel-Buffering'],
        examples: {
          running: { summary: 'A job that runs', value: 'retry: 1000\n\nid: 2\ndata: {"id":"…",…}\n\n' },
        },
      }),
      204: describeReply({ description: 'The client has the final state already, and does not need to reconnect.' }),
      ...problemReplies(['not-found', 'expired', 'precondition-failed']),
    },
  },
  async handle(request, reply, { service, contextOf }) {
    requireAcceptable(request, ['text/event-stream']);
    const context = contextOf(request, reply);
    const states = service.watch(idOf(request), context.caller, context.whenGone());
    const { value: job } = await states.next();
    if (job === undefined) throw jobNotFound();
    try {
      requireMatch(request, job);
    } catch (error) {
      await states.return();
      throw error;
    }
    // Proxies that buffer replies would hold events back.
    reply.type('text/event-stream; charset=utf-8').header('X-Accel-Buffering', 'no');
    const known = readLastEventId(request);
    // The client has the final state; 204 stops it from reconnecting (HTML, section 9.2.3).
    const isKnown = isDone(job) && versionOf(job) === known;
    if (isKnown || request.method === 'HEAD') {
      await states.return();
      return (isKnown ? reply.removeHeader('Content-Type').status(204) : reply).send();
    }
    const form = { versionOf, toData: (state: Job) => serializeJob(viewOf(state, service, context)) };
    if (isDone(job)) {
      await states.return();
      return reply.send(toLastEvent(job, form));
    }
    return reply.send(Readable.from(toEventStream(startingWith(job, states), form, { lastEventId: known })));
  },
};

export async function* startingWith<T>(first: T, rest: AsyncGenerator<T, void, void>): AsyncGenerator<T, void, void> {
  try {
    yield first;
    yield* rest;
  } finally {
    // A consumer that stops at the first value has not started the rest.
    await rest.return();
  }
}

/** Proxies close connections that are silent for longer. */
const KEEP_ALIVE_MS = 15_000;
/** Milliseconds after which a client that lost its connection reconnects. */
const RETRY = 'retry: 1000\n\n';

/** How the states of something become events. */
export interface EventForm<State> {
  /** The id of the event. */
  versionOf(state: State): string;
  /** A line of JSON. */
  toData(state: State): string;
}

export interface EventStreamOptions {
  /** The event that the client has already; it is not sent again. */
  readonly lastEventId?: string | undefined;
  /** @default 15_000 */
  readonly keepAliveMs?: number;
}

/** The states of a job or a batch as an event stream (HTML, section 9.2): one event a state, and comments as keep-alive. */
export async function* toEventStream<State>(
  states: AsyncGenerator<State, void, void>,
  form: EventForm<State>,
  { lastEventId, keepAliveMs = KEEP_ALIVE_MS }: EventStreamOptions = {},
): AsyncGenerator<string, void, void> {
  try {
    // Subscribed before the head of the reply is sent, so that a client with the head misses no change.
    let next = states.next();
    let state: IteratorResult<State, void> | undefined = await next;
    let lines = RETRY;
    for (;;) {
      if (state === undefined) {
        lines = ':\n\n';
      } else {
        if (state.done) return;
        if (form.versionOf(state.value) !== lastEventId) lines += toEvent(state.value, form);
        next = states.next();
      }
      if (lines !== '') yield lines;
      lines = '';
      state = await within(keepAliveMs, next);
    }
  } finally {
    await states.return();
  }
}

/** The whole of such a stream for what is done. */
export function toLastEvent<State>(state: State, form: EventForm<State>): string {
  return RETRY + toEvent(state, form);
}

function toEvent<State>(state: State, { versionOf: idOfEvent, toData }: EventForm<State>): string {
  return `id: ${idOfEvent(state)}\ndata: ${toData(state)}\n\n`;
}

/** Resolves to undefined after `ms` milliseconds; the promise itself is not canceled. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
