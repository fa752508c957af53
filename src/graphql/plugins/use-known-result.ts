import type { ExecutionResult } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/** What Yoga is given beside the request. */
export interface KnownResult {
  /** What the operation came to, where it was executed already. */
  readonly knownResult?: ExecutionResult | undefined;
}

/** Has Yoga reply with a result that there is already, as it would with its own. */
export function useKnownResult(): Plugin<object, KnownResult> {
  return {
    onParams({ context: { knownResult }, setResult }) {
      if (knownResult !== undefined) setResult(knownResult);
    },
  };
}
