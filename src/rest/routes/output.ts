import { Readable } from 'node:stream';
import { z } from 'zod';
import { parseInput } from '../../core/input/parse-input.ts';
import { type OutputPiece, outputSchema, toOutputJson } from '../../core/output/output.ts';
import type { OutputPage } from '../../core/ports.ts';
import { requireAcceptable } from '../../http/negotiation.ts';
import { outputExamples } from '../openapi/examples.ts';
import { SECURITY, describeReply, problemReplies } from '../openapi/responses.ts';
import { afterQuery, idOf, jobPath, parameter, toBoolean, toValues } from '../requests.ts';
import type { RestApi, Route } from '../route.ts';
import { JSON_LINES } from './batches.ts';
import { KEEP_ALIVE_MS, within } from './events.ts';

const outputQuery = z.object({
  after: afterQuery,
  follow: parameter(
    z.preprocess(toBoolean, z.boolean().default(false)),
    'Goes on with each piece as it is published, until the job is done. An empty line keeps a silent connection open. The status is 200 then.',
  ),
});

/** Seconds after which a client that does not follow asks again. */
const RETRY_AFTER_SECONDS = 1;

/** `GET /api/jobs/{id}/output`. */
export const outputRoute: Route<RestApi> = {
  method: 'GET',
  path: '/api/jobs/{id}/output',
  streams: true,
  operation: {
    tags: ['Jobs'],
    security: SECURITY.tokenHolders,
    operationId: 'getJobOutput',
    summary: 'Read the output of a job',
    description:
      'JSON lines: what the function of the job has published so far, a piece a line. A client that reads on asks for what is behind its last piece. The same pieces come as events of `GET /api/jobs/{id}/events`.',
    requestParams: { path: jobPath, query: outputQuery },
    responses: {
      200: describeReply({
        description:
          'The job is done, and this is the rest of its output. With `follow=true`: its output until it is done.',
        mediaType: JSON_LINES,
        schema: outputSchema,
        examples: outputExamples,
        sometimes: ['X-Accel-Buffering'],
      }),
      202: describeReply({
        description: 'The job is not done, and this is its output so far.',
        mediaType: JSON_LINES,
        schema: outputSchema,
        always: ['Retry-After'],
      }),
      ...problemReplies(['invalid-input', 'not-found', 'expired']),
    },
  },
  async handle(request, reply, { service, contextOf }) {
    requireAcceptable(request, [JSON_LINES]);
    const context = contextOf(request, reply);
    const { caller } = context;
    const id = idOf(request);
    const { after, follow } = readOptions(request.query);
    const page = await service.readOutput(id, caller, after);
    const isDone = page.expiresAt !== undefined;
    reply.type(`${JSON_LINES}; charset=utf-8`);
    if (follow) reply.header('X-Accel-Buffering', 'no');
    else if (!isDone) reply.status(202).header('Retry-After', RETRY_AFTER_SECONDS);
    if (request.method === 'HEAD') return reply.send();

    async function* present(): AsyncGenerator<string, void, void> {
      let part: OutputPage = page;
      for (;;) {
        yield toLines(part.pieces);
        if (!part.hasMore) return;
        part = await service.readOutput(id, caller, lastOf(part.pieces, after));
      }
    }
    async function* live(): AsyncGenerator<string, void, void> {
      yield toLines(page.pieces);
      if (isDone && !page.hasMore) return;
      const parts = service.watchOutput(id, caller, lastOf(page.pieces, after), context.whenGone());
      yield* toLiveLines(parts);
      // The end of the reply would say that the job is done.
      if (service.stopping.aborted) await context.breakOff();
    }
    return reply.send(Readable.from(follow ? live() : present(), { highWaterMark: 1 }));
  },
};

function readOptions(query: unknown) {
  const { after, follow } = toValues(query);
  return parseInput(outputQuery, { after, follow });
}

function lastOf(pieces: readonly OutputPiece[], before: number): number {
  return pieces.at(-1)?.sequence ?? before;
}

function toLines(pieces: readonly OutputPiece[]): string {
  return pieces.map((piece) => `${toOutputJson(piece)}\n`).join('');
}

/** Parts as they come, and empty lines as keep-alive. */
async function* toLiveLines(
  parts: AsyncGenerator<readonly OutputPiece[], void, void>,
): AsyncGenerator<string, void, void> {
  try {
    let next = parts.next();
    for (;;) {
      const part = await within(KEEP_ALIVE_MS, next);
      if (part?.done === true) return;
      if (part !== undefined) next = parts.next();
      yield part === undefined ? '\n' : toLines(part.value);
    }
  } finally {
    await parts.return();
  }
}
