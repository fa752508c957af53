import { type DocumentNode, getOperationAST } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Span } from '../../core/tracer.ts';
import { traceError } from '../../http/request-trace.ts';
import type { GraphQLContext } from '../builder.ts';

/** The client chooses the name. */
const MAX_NAME_LENGTH = 100;

/** Adds the operation to the span of its request (semantic conventions for GraphQL servers), without the document, which may have inputs. */
export function traceOperation(
  span: Span | undefined,
  document: DocumentNode,
  operationName: string | undefined | null,
): void {
  const operation = span?.isRecorded ? getOperationAST(document, operationName) : undefined;
  if (operation == null) return;
  span?.set({
    'graphql.operation.type': operation.operation,
    'graphql.operation.name': operation.name?.value.slice(0, MAX_NAME_LENGTH),
  });
}

/** Adds the operation and the code of its first error to the span of the request. */
export function useTrace(): Plugin<GraphQLContext, GraphQLContext> {
  return {
    onParse:
      ({ context: { span, params } }) =>
      ({ result }) => {
        if (result !== null && !(result instanceof Error)) traceOperation(span, result, params.operationName);
      },
    onResultProcess({ result, serverContext: { span } }) {
      if (Array.isArray(result) || Symbol.asyncIterator in result) return;
      const code = result.errors?.[0]?.extensions?.['code'];
      if (typeof code === 'string') traceError(span, code);
    },
  };
}
