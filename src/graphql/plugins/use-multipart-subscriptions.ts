import { type Plugin, isAsyncIterable } from 'graphql-yoga';
import { APOLLO_STREAM } from '../request.ts';
import { streamResults } from './stream-results.ts';

const MEDIA_TYPE = 'multipart/mixed';

const toPart = (json: string): string => `\r\nContent-Type: application/json\r\n\r\n${json}\r\n--graphql`;

const sendParts = streamResults({
  headers: { 'Content-Type': 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0' },
  opening: '--graphql',
  heartbeat: toPart('{}'),
  ending: '--\r\n',
  toPart: (json) => toPart(`{"payload":${json}}`),
});

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
