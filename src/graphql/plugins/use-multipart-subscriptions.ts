import type { ExecutionResult } from 'graphql';
import { type Plugin, isAsyncIterable } from 'graphql-yoga';
import { APOLLO_STREAM } from '../request.ts';

type OnResultProcess = NonNullable<Plugin['onResultProcess']>;
type ResultProcessor = Parameters<Parameters<OnResultProcess>[0]['setResultProcessor']>[0];

const MEDIA_TYPE = 'multipart/mixed';
const CONTENT_TYPE = 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0';
/** Between two parts without news, so that proxies and clients keep the connection. */
const HEARTBEAT_MS = 10_000;

/** Sends subscriptions to Apollo's clients, in their protocol for multipart replies over HTTP (subscriptionSpec 1.0). */
export function useMultipartSubscriptions(): Plugin {
  return {
    onResultProcess({ request, result, acceptableMediaTypes, setResultProcessor }) {
      if (!request.headers.get('accept')?.includes(APOLLO_STREAM)) return;
      // Any other result is an ordinary reply, and these clients accept JSON beside the stream.
      if (!isAsyncIterable(result)) return;
      acceptableMediaTypes.push(MEDIA_TYPE);
      setResultProcessor(sendParts, MEDIA_TYPE);
    },
  };
}

const sendParts: ResultProcessor = (result, { ReadableStream, Response, TextEncoder }) => {
  const encoder = new TextEncoder();
  const iterator = isAsyncIterable(result) ? result[Symbol.asyncIterator]() : undefined;
  let heartbeat: NodeJS.Timeout | undefined;
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      const write = (text: string): void => controller.enqueue(encoder.encode(text));
      write('--graphql');
      heartbeat = setInterval(() => write(toPart({})), HEARTBEAT_MS);
    },
    async pull(controller) {
      const write = (text: string): void => controller.enqueue(encoder.encode(text));
      try {
        const next = await iterator?.next();
        if (next?.done === false) return write(toPart({ payload: toPublic(next.value) }));
        write('--\r\n');
        controller.close();
      } catch (error) {
        controller.error(error);
      }
      clearInterval(heartbeat);
    },
    async cancel() {
      clearInterval(heartbeat);
      await iterator?.return?.();
    },
  });
  return new Response(stream, { headers: { 'Content-Type': CONTENT_TYPE, 'Cache-Control': 'no-cache' } });
};

function toPart(body: object): string {
  return `\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(body)}\r\n--graphql`;
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
