import type { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { errorAt } from './mask-error.ts';

/**
 * Uses an error's HTTP status only where the whole request failed. A reply with partial data has 200, and so has every reply as
 * `application/json` (GraphQL over HTTP, section 6.4.1).
 */
export function useHttpStatus(): Plugin {
  return {
    onResultProcess({ result, setResult }) {
      // Without `data` nothing was executed, and the error already has the right status.
      if (!('data' in result) || result.errors === undefined) return;
      const failed = result.data == null || Object.values(result.data).every((value) => value === null);
      setResult({ ...result, errors: result.errors.map((error) => withStatus(error, failed)) });
    },
  };
}

function withStatus(error: GraphQLError, failed: boolean): GraphQLError {
  const { http } = error.extensions;
  if (typeof http !== 'object' || http === null) return error;
  return errorAt(error, error.message, { ...error.extensions, http: failed ? { ...http, spec: true } : {} });
}
