import type { Plugin } from 'graphql-yoga';

/**
 * Takes away what Yoga says of its event streams and should not: that the connection stays, also where the client has asked to
 * close it (RFC 9112, section 9.6), and the content coding `none`, which there is not (RFC 9110, section 8.4.1).
 */
export function useEventStreamHeaders(): Plugin {
  return {
    onResponse({ response }) {
      response.headers.delete('Connection');
      response.headers.delete('Content-Encoding');
    },
  };
}
