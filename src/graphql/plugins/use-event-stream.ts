import type { Plugin } from 'graphql-yoga';
import { errorAt } from './error-at.ts';

/** These media types are replied with before an event stream, where both are acceptable. */
const OTHERS = /json|\*|multipart/;

/**
 * Makes Yoga's event streams what graphql-sse and HTTP say. Errors that come before execution are events of a stream with 200
 * (GraphQL over Server-Sent Events, "Distinct connections mode"): clients read nothing of another reply. The headers say
 * neither that the connection stays, also where the client has asked to close it (RFC 9112, section 9.6), nor the content
 * coding `none`, which there is not (RFC 9110, section 8.4.1).
 */
export function useEventStream(): Plugin {
  return {
    onResultProcess({ request, result, setResult }) {
      const accept = request.headers.get('accept') ?? '*/*';
      if (OTHERS.test(accept) || !('errors' in result) || result.errors === undefined) return;
      const errors = result.errors.map((error) =>
        errorAt(error, error.message, { ...error.extensions, http: { status: 200 } }),
      );
      setResult({ ...result, errors });
    },
    onResponse({ response }) {
      response.headers.delete('Connection');
      response.headers.delete('Content-Encoding');
    },
  };
}
