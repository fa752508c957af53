import { type DocumentNode, type ExecutionArgs, type ExecutionResult, type GraphQLSchema, execute } from 'graphql';
import type { YogaServerInstance } from 'graphql-yoga';
import type { GraphQLContext } from '../builder.ts';
import type { CheckAccess } from '../plugins/use-access.ts';
import { traceOperation } from '../plugins/use-trace.ts';
import type { KnownResult } from '../plugins/use-known-result.ts';
import type { CommonRequest } from '../request.ts';
import { type Cache, createPreparedDocuments } from './prepared-documents.ts';

export interface DirectExecutionOptions {
  readonly yoga: Pick<YogaServerInstance<GraphQLContext & KnownResult, object>, 'getEnveloped'>;
  readonly schema: GraphQLSchema;
  /** The documents that Yoga has parsed. */
  readonly documentCache: Cache<DocumentNode>;
  /** @throws ServiceError for a caller who may not use a field of the operation */
  readonly checkAccess: CheckAccess;
  /** Turns a result with errors into the one that Yoga's plugins make of it. */
  toPublicResult(args: ExecutionArgs, result: ExecutionResult, context: GraphQLContext): ExecutionResult;
}

/** Yoga's plugins read nothing else of the request when they parse and validate. */
const REQUEST = { method: 'POST' } as const;

/**
 * Executes common requests with graphql-js alone. A document passes Yoga's plugins for parsing and validation once; executing
 * it needs none of Yoga's Request, Response, context and hooks, which cost more than a short operation itself.
 * @returns undefined for a request that Yoga has to handle; nothing has been executed then
 */
export function createDirectExecution({
  yoga,
  schema,
  documentCache,
  checkAccess,
  toPublicResult,
}: DirectExecutionOptions) {
  const documents = createPreparedDocuments(documentCache);

  return async (params: CommonRequest, context: GraphQLContext): Promise<ExecutionResult | undefined> => {
    const document = documents.prepare(params.query, params.operationName, () => {
      const enveloped = yoga.getEnveloped({ ...context, request: REQUEST, params });
      return { parse: enveloped.parse, validate: (parsed) => enveloped.validate(schema, parsed) };
    });
    if (document === undefined) return undefined;
    checkAccess(document, params.operationName, params.variables, context);
    traceOperation(context.span, document, params.operationName);
    const args: ExecutionArgs = {
      schema,
      document,
      contextValue: context,
      variableValues: params.variables,
      operationName: params.operationName,
    };
    const result = await execute(args);
    return result.errors === undefined ? result : toPublicResult(args, result, context);
  };
}
