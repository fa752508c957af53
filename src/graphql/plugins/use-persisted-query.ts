import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { isPersistedQuery } from '../request.ts';

/** Asks for the document of a request that names it by its hash alone: none are kept, and clients then send the text. */
export function usePersistedQuery(): Plugin {
  return {
    onParams({ params }) {
      if (params.query || !isPersistedQuery(params.extensions)) return;
      throw new GraphQLError('PersistedQueryNotSupported', {
        extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED', http: { status: 400, spec: true } },
      });
    },
  };
}
