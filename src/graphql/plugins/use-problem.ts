import type { Plugin } from 'graphql-yoga';
import { currentRequest } from './mask-error.ts';

/** Notes for the metrics that GraphQL itself refused a request: its errors are not masked. */
export function useProblem(): Plugin {
  return {
    onResultProcess({ result }) {
      const facts = currentRequest.getStore();
      if (facts === undefined || !('errors' in result)) return;
      const [error] = result.errors ?? [];
      if (error === undefined) return;
      facts.problem ??= error.extensions['code'] === 'BAD_USER_INPUT' ? 'invalid-input' : 'malformed-request';
    },
  };
}
