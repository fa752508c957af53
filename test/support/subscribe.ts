import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { type ExecutionResult, createClient } from 'graphql-sse';
import { onTestFinished } from 'vitest';

export interface Subscription<Result> {
  readonly results: AsyncIterableIterator<ExecutionResult<Result, unknown>>;
  /** Resolves when the client has lost its connection and has another. */
  readonly reconnected: Promise<void>;
  /** Ends the client, and its connections with it. */
  dispose(): void;
}

/** Subscribes with graphql-sse's client in its distinct connections mode, until the test is over at the latest. */
export function subscribe<Result, Variables extends Record<string, unknown>>(
  url: string,
  document: TypedDocumentNode<Result, Variables>,
  variables: Variables,
): Subscription<Result> {
  const reconnected = Promise.withResolvers<void>();
  const client = createClient({
    url: new URL('/graphql', url).href,
    // At once; its own wait is up to some seconds.
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
