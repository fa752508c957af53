import {
  type DocumentNode,
  type FieldNode,
  type GraphQLSchema,
  Kind,
  OperationTypeNode,
  getOperationAST,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { z } from 'zod';
import { SCOPES, requireScope } from '../../core/access/caller.ts';
import { requireBatchSize } from '../../core/batch/submit-batch.ts';
import type { GraphQLContext } from '../builder.ts';
import type { NameOperation } from '../operation-name.ts';
import { fragmentsOf, isExecuted, rootFieldsOf } from '../root-fields.ts';

/** The extension `access` of a root field: what it needs of its caller. */
const accessSchema = z.object({
  scope: z.enum(SCOPES),
  /** Whether the holder of a job's access token may use the field too, for that job. */
  jobKey: z.boolean().default(false),
});

/** Refuses an operation with a field that its caller may not use, and names it. */
export type CheckAccess = (
  document: DocumentNode,
  operationName: string | undefined,
  variables: Readonly<Record<string, unknown>> | undefined,
  context: Pick<GraphQLContext, 'caller' | 'facts'>,
) => void;

/**
 * The service decides about each call. This check comes before: a caller who may not use a field causes no work to validate the
 * document and its variables.
 */
export function createAccessCheck(schema: GraphQLSchema, nameOperation: NameOperation): CheckAccess {
  const accesses = new Map(
    Object.values(OperationTypeNode).map((kind) => {
      const fields = Object.values(schema.getRootType(kind)?.getFields() ?? {});
      return [kind, new Map(fields.map(({ name, extensions }) => [name, accessSchema.parse(extensions['access'])]))];
    }),
  );
  return (document, operationName, variables, { caller, facts }) => {
    facts.operation = nameOperation(document, operationName);
    const operation = getOperationAST(document, operationName);
    // A document without this operation is refused when it is executed.
    if (operation == null) return;
    for (const field of rootFieldsOf(operation, () => fragmentsOf(document))) {
      const access = accesses.get(operation.operation)?.get(field.node.name.value);
      if (access === undefined || (caller.kind === 'job-key' && access.jobKey)) continue;
      if (!isExecuted(field, operation, variables)) continue;
      requireScope(caller, access.scope);
      requireSizes(field.node, variables);
    }
  };
}

/** Refuses a batch by the number of its inputs, before GraphQL looks at any of them. */
function requireSizes({ arguments: args = [] }: FieldNode, variables: Readonly<Record<string, unknown>> = {}): void {
  const value = args.find(({ name }) => name.value === 'inputs')?.value;
  if (value?.kind === Kind.LIST) return requireBatchSize(value.values.length, ['inputs']);
  if (value?.kind !== Kind.VARIABLE || !Object.hasOwn(variables, value.name.value)) return;
  const given = variables[value.name.value];
  if (Array.isArray(given)) requireBatchSize(given.length, ['inputs']);
}

export function useAccess(check: CheckAccess): Plugin<GraphQLContext> {
  return {
    onParse:
      ({ context }) =>
      ({ result }) => {
        const { operationName, variables } = context.params;
        if (result !== null && !(result instanceof Error)) check(result, operationName, variables, context);
      },
  };
}
