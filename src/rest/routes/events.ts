import { Readable } from 'node:stream';
import { z } from 'zod';
import { jobNotFound } from '../../core/errors.ts';
import { type Job, isDone } from '../../core/job.ts';
import type { JobNews } from '../../core/output/follow-output.ts';
import { type OutputPiece, toOutputJson } from '../../core/output/output.ts';
import { parseInput } from '../../core/input/parse-input.ts';
import { requireAcceptable } from '../../http/negotiation.ts';
import { SECURITY, describeReply, problemReplies } from '../openapi/responses.ts';
import { requireMatch, versionOf, viewOf } from '../replies.ts';
import {
  afterQuery,
  idOf,
  ifMatch,
  jobPath,
  lastEventIdHeader,
  lastEventIdQuery,
  parameter,
  readLastEventId,
  toBoolean,
  toValues,
} from '../requests.ts';
import type { RestApi, Route } from '../route.ts';
import { serializeJob } from '../schemas.ts';

const outputQuery = z.object({
  after: afterQuery,
  output: parameter(z.preprocess(toBoolean, z.boolean().default(true)), 'Whether the output of the job is wanted too.'),
});

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
      "Server-sent events (HTML, section 9.2): the job at once, then each change. `data` is the job's JSON, and `id` its version. What the job's function publishes comes as events of the type `output`, a piece each, whose `data` is as a line of `GET /api/jobs/{id}/output`; `id` then names the version and the piece, so that a client that reconnects with it goes on after both. The stream ends after the final state, which comes after all output.",
    requestParams: {
      path: jobPath,
      header: z.object({ 'Last-Event-ID': lastEventIdHeader, 'If-Match': ifMatch }),
      query: outputQuery.extend({ lastEventId: lastEventIdQuery }),
    },
    responses: {
      200: describeReply({
        description: 'The stream.',
        mediaType: 'text/event-stream',
        schema: { type: 'string' },
        always: ['X-Accel-Buffering'],
        examples: {
          running: { summary: 'A job that runs', value: 'retry: 1000\n\nid: 2\ndata: {"id":"…",…}\n\n' },
          output: {
            summary: 'Its output',
            value: 'id: 2~1\nevent: output\ndata: {"sequence":1,"attempt":1,"kind":"value","value":"Once"}\n\n',
          },
        },
      }),
      204: describeReply({ description: 'The client has the final state already, and does not need to reconnect.' }),
      ...problemReplies(['invalid-input', 'not-found', 'expired', 'precondition-failed']),
    },
  },
  async handle(request, reply, { service, contextOf }) {
    requireAcceptable(request, ['text/event-stream']);
    const context = contextOf(request, reply);
    const { after, output } = readOutputOptions(request.query);
    const known = parseEventId(readLastEventId(request));
    const from = output ? (known.sequence ?? after) : undefined;
    const news = service.watchNews(idOf(request), context.caller, from, context.whenGone());
    const { value: first } = await news.next();
    if (first?.kind !== 'state') throw jobNotFound();
    const { job } = first;
    try {
      requireMatch(request, job);
    } catch (error) {
      await news.return();
      throw error;
    }
    // The client has the final state; 204 stops it from reconnecting (HTML, section 9.2.3).
    const isKnown = isDone(job) && versionOf(job) === known.version;
    // Proxies that buffer replies would hold events back.
    if (!isKnown) reply.type('text/event-stream; charset=utf-8').header('X-Accel-Buffering', 'no');
    if (isKnown || request.method === 'HEAD') {
      await news.return();
      return reply.status(isKnown ? 204 : 200).send();
    }
    const toData = (state: Job): string => serializeJob(viewOf(state, service, context));
    const events = toEventStream(news, createNewsForm(known.version, from ?? 0, toData));
    return reply.send(Readable.from(events, { highWaterMark: 1 }));
  },
};

function readOutputOptions(query: unknown) {
  const { after, output } = toValues(query);
  return parseInput(outputQuery, { after, output });
}

/** The id of an event: the version of the job and, once there was output, the sequence of its last piece. */
const EVENT_ID = /^(.*?)(?:~(\d{1,9}))?$/s;

function parseEventId(id = ''): { readonly version: string; readonly sequence: number | undefined } {
  const [, version = '', sequence] = EVENT_ID.exec(id) ?? [];
  return { version, sequence: sequence === undefined ? undefined : Number(sequence) };
}

/**
 * @param known the version that the client has already; it is not sent again
 * @param after the sequence of the last piece of output that it has
 */
export function createNewsForm(known: string, after: number, toData: (job: Job) => string): (news: JobNews) => string {
  let version = known;
  let last = after;
  const idOfEvent = (): string => (last === 0 ? version : `${version}~${last}`);
  const toOutputEvent = (piece: OutputPiece): string => {
    last = piece.sequence;
    return `id: ${idOfEvent()}\nevent: output\ndata: ${toOutputJson(piece)}\n\n`;
  };
  return (news) => {
    if (news.kind === 'output') return news.pieces.map(toOutputEvent).join('');
    version = versionOf(news.job);
    return version === known ? '' : toEvent(idOfEvent(), toData(news.job));
  };
}

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
export const KEEP_ALIVE_MS = 15_000;
/** Milliseconds after which a client that lost its connection reconnects. */
const RETRY = 'retry: 1000\n\n';

export interface EventStreamOptions {
  /** @default 15_000 */
  readonly keepAliveMs?: number;
}

/**
 * What happens to a job or a batch as an event stream (HTML, section 9.2), with comments as keep-alive.
 * @param toEvents the events of one of these; '' for none
 */
export async function* toEventStream<State>(
  states: AsyncGenerator<State, void, void>,
  toEvents: (state: State) => string,
  { keepAliveMs = KEEP_ALIVE_MS }: EventStreamOptions = {},
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
        lines += toEvents(state.value);
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
export function toLastEvent(event: string): string {
  return RETRY + event;
}

export function toEvent(id: string, data: string): string {
  return `id: ${id}\ndata: ${data}\n\n`;
}

/** Resolves to undefined after `ms` milliseconds; the promise itself is not canceled. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
