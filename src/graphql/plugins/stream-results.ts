import { setImmediate } from 'node:timers/promises';
import type { ExecutionResult } from 'graphql';
import { type Plugin, isAsyncIterable } from 'graphql-yoga';

type OnResultProcess = NonNullable<Plugin['onResultProcess']>;
type ResultProcessor = Parameters<Parameters<OnResultProcess>[0]['setResultProcessor']>[0];

/** Between two parts without news, so that proxies and clients keep the connection. */
const HEARTBEAT_MS = 10_000;
/** Characters that are written at once. */
const MAX_WRITE = 65_536;

/** How a protocol writes a stream of results. */
export interface StreamFormat {
  readonly headers: Readonly<Record<string, string>>;
  /** Comes first, so that clients know at once that the stream is open. */
  readonly opening: string;
  readonly heartbeat: string;
  readonly ending: string;
  /** @param json of a result */
  toPart(json: string): string;
}

/** Writes the results of a subscription as fast as the client reads them, all that there are at a time with one write. */
export function streamResults({ headers, opening, heartbeat, ending, toPart }: StreamFormat): ResultProcessor {
  return (result, { ReadableStream, Response, TextEncoder }) => {
    const encoder = new TextEncoder();
    const iterator = isAsyncIterable(result) ? result[Symbol.asyncIterator]() : undefined;
    /** The result that was asked for. */
    let pending: Promise<IteratorResult<ExecutionResult, unknown>> | undefined;
    let timer: NodeJS.Timeout | undefined;

    /** @returns the next parts, and whether the stream ends with them */
    async function read(): Promise<readonly [text: string, isLast: boolean]> {
      let text = '';
      let turn: Promise<undefined> | undefined;
      while (text.length < MAX_WRITE) {
        pending ??= Promise.resolve(iterator?.next() ?? { done: true, value: undefined });
        const next = text === '' ? await pending : await Promise.race([pending, (turn ??= setImmediate())]);
        // Later results go with the next write.
        if (next === undefined) break;
        pending = undefined;
        if (next.done === true) return [text + ending, true];
        text += toPart(JSON.stringify(toPublic(next.value)));
      }
      return [text, false];
    }

    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(encoder.encode(opening));
        timer = setInterval(() => {
          // A client that reads nothing gets no more to read.
          if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(heartbeat));
        }, HEARTBEAT_MS);
      },
      async pull(controller) {
        try {
          const [text, isLast] = await read();
          controller.enqueue(encoder.encode(text));
          if (!isLast) return;
          controller.close();
        } catch (error) {
          controller.error(error);
        }
        clearInterval(timer);
      },
      async cancel() {
        clearInterval(timer);
        await iterator?.return?.();
      },
    });
    return new Response(stream, { headers });
  };
}

/** Without what Yoga takes for the HTTP reply alone. */
function toPublic({ errors, ...rest }: ExecutionResult): object {
  if (errors === undefined) return rest;
  const shown = errors.map((error) => {
    const { extensions: { http: _, ...extensions } = {}, ...fields } = error.toJSON();
    return { ...fields, extensions };
  });
  return { ...rest, errors: shown };
}
