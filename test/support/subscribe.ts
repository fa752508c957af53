import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { type ExecutionResult, createClient } from 'graphql-sse';
import { onTestFinished } from 'vitest';

export interface Subscription<Result> {
  readonly results: AsyncIterableIterator<ExecutionResult<Result, unknown>>;
  /** Resolves when the client has reconnected after a lost connection. */
  readonly reconnected: Promise<void>;
  /** Closes the client and its connections. */
  dispose(): void;
}

/** Subscribes with graphql-sse's client in its distinct connections mode, at most until the end of the test. */
export function subscribe<Result, Variables extends Record<string, unknown>>(
  url: string,
  document: TypedDocumentNode<Result, Variables>,
  variables: Variables,
): Subscription<Result> {
  const reconnected = Promise.withResolvers<void>();
  const client = createClient({
    url: new URL('/graphql', url).href,
    // Reconnects at once, rather than after the client's own delay of some seconds.
    retry: async () => undefined,
    on: { connected: (again) => void (again && reconnected.resolve()) },
  });
  onTestFinished(() => client.dispose());
  return {
    results: client.iterate<Result>({ query: print(document), variables }),
    reconnected: reconnected.promise,
    dispose: () => client.dispose(),
  };
}
