import { type Plugin, isAsyncIterable } from 'graphql-yoga';
import { PRIVATE } from '../../http/problem.ts';
import { errorAt } from './mask-error.ts';
import { streamResults } from './stream-results.ts';

const MEDIA_TYPE = 'text/event-stream';

/** Media types that Yoga prefers to an event stream where the client accepts both. */
const OTHERS = /json|\*|multipart/;

const STREAM = /^(text\/event-stream|multipart\/mixed)/;

/** GraphQL over Server-Sent Events, "Distinct connections mode". */
const sendEvents = streamResults({
  headers: { 'Content-Type': MEDIA_TYPE },
  opening: ':\n\n',
  heartbeat: ':\n\n',
  ending: 'event: complete\ndata:\n\n',
  toPart: (json) => `event: next\ndata: ${json}\n\n`,
});

/**
 * Aligns Yoga's event streams with graphql-sse and HTTP. Errors before execution are events of a stream with status 200 (GraphQL
 * over Server-Sent Events, "Distinct connections mode"), because clients do not read any other reply. The headers
 * `Connection: keep-alive`, which contradicts a client that closes (RFC 9112, section 9.6), and `Content-Encoding: none`, which
 * is not a registered coding (RFC 9110, section 8.4.1), are removed.
 */
export function useEventStream(): Plugin {
  return {
    onResultProcess({ request, result, setResult, setResultProcessor }) {
      const accept = request.headers.get('accept') ?? '*/*';
      if (isAsyncIterable(result) && accept.includes(MEDIA_TYPE)) setResultProcessor(sendEvents, MEDIA_TYPE);
      if (OTHERS.test(accept) || !('errors' in result) || result.errors === undefined) return;
      const errors = result.errors.map((error) =>
        errorAt(error, error.message, { ...error.extensions, http: { status: 200 } }),
      );
      setResult({ ...result, errors });
    },
    onResponse({ response }) {
      response.headers.delete('Connection');
      response.headers.delete('Content-Encoding');
      if (!STREAM.test(response.headers.get('Content-Type') ?? '')) return;
      response.headers.set('Cache-Control', PRIVATE);
      // Proxies that buffer replies would hold events back.
      response.headers.set('X-Accel-Buffering', 'no');
    },
  };
}
