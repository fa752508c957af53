import {
  type ASTNode,
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type ValueNode,
  coerceInputValue,
  isInputType,
  typeFromAST,
  visit,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { type InputIssue, MAX_ISSUES } from '../core/errors.ts';
import { errorAt } from './error-at.ts';

const CODE = 'BAD_USER_INPUT';

/**
 * Gives GraphQL's own complaints about values, in variables and in the document, the code and the issues that the input's
 * schema gives its own.
 */
export function useBadUserInput(): Plugin {
  return {
    onValidate:
      ({ params: { documentAST } }) =>
      ({ result, setResult }) => {
        if (result.length > 0) setResult(result.map((error) => fromValidation(error, documentAST)));
      },
    onExecute: ({ args: { schema, document, variableValues } }) => ({
      onExecuteDone({ result, setResult }) {
        // Variables are coerced before execution: their errors come without data and without a path.
        if (!('errors' in result) || result.errors === undefined || 'data' in result) return;
        const issues = variableIssues(schema, document, variableValues);
        if (issues.length > 0) setResult({ errors: [toError(issues)] });
      },
    }),
  };
}

const VALUE_KINDS: ReadonlySet<string> = new Set([
  Kind.OBJECT,
  Kind.OBJECT_FIELD,
  Kind.LIST,
  Kind.INT,
  Kind.FLOAT,
  Kind.STRING,
  Kind.BOOLEAN,
  Kind.NULL,
  Kind.ENUM,
]);

function fromValidation(error: GraphQLError, document: DocumentNode): GraphQLError {
  const node = error.nodes?.[0];
  if (node === undefined || !VALUE_KINDS.has(node.kind)) return error;
  let path: InputIssue['path'] = [];
  visit(document, {
    Argument(argument) {
      const inside = pathTo(node, argument.value);
      if (inside !== undefined) path = argument.name.value === 'input' ? inside : [argument.name.value, ...inside];
    },
  });
  const issue = toIssue(path, error.message);
  return errorAt(error, error.message, { code: CODE, issues: [issue], http: { status: 400, spec: true } });
}

/** Names of fields and indexes of lists on the way from a value to a node inside it; undefined if it is not there. */
function pathTo(target: ASTNode, value: ValueNode): (string | number)[] | undefined {
  if (value === target) return [];
  const children: [string | number, ASTNode, ValueNode][] = [];
  if (value.kind === Kind.OBJECT)
    children.push(...value.fields.map((field) => entry(field.name.value, field, field.value)));
  if (value.kind === Kind.LIST) children.push(...value.values.map((item, index) => entry(index, item, item)));
  for (const [key, node, child] of children) {
    const inside = node === target ? [] : pathTo(target, child);
    if (inside !== undefined) return [key, ...inside];
  }
  return undefined;
}

function entry(key: string | number, node: ASTNode, value: ValueNode): [string | number, ASTNode, ValueNode] {
  return [key, node, value];
}

/** GraphQL reports a missing or an unknown field at the object; the field's name is in the message alone. */
const FIELD = /^Field "(?:\w+\.)?(\w+)" (?:of required type|is not defined by)/;

function toIssue(path: readonly (string | number)[], message: string): InputIssue {
  const field = FIELD.exec(message)?.[1];
  return { path: field === undefined || path.at(-1) === field ? path : [...path, field], message };
}

function variableIssues(
  schema: GraphQLSchema,
  document: DocumentNode,
  values: Readonly<Record<string, unknown>> | undefined,
): InputIssue[] {
  const issues: InputIssue[] = [];
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    for (const variable of definition.variableDefinitions ?? []) {
      const name = variable.variable.name.value;
      const type = typeFromAST(schema, variable.type);
      const value = values?.[name];
      if (!isInputType(type) || (value === undefined && variable.type.kind !== Kind.NON_NULL_TYPE)) continue;
      coerceInputValue(value, type, (path, _value, { message }) => {
        const issue = toIssue(path, message);
        issues.push(issue.path.length === 0 ? { path: [name], message } : issue);
      });
    }
  }
  return issues;
}

function toError(all: readonly InputIssue[]): GraphQLError {
  const issues = all.slice(0, MAX_ISSUES);
  const [first] = issues;
  return new GraphQLError(`${first?.path.join('.')}: ${first?.message}`, {
    extensions: { code: CODE, issues, http: { status: 400, spec: true } },
  });
}
