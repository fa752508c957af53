import {
  type ASTNode,
  type DocumentNode,
  type ExecutionArgs,
  GraphQLError,
  type GraphQLInputType,
  type GraphQLSchema,
  type ObjectFieldNode,
  type OperationDefinitionNode,
  Kind,
  type ValueNode,
  coerceInputValue,
  getNullableType,
  getOperationAST,
  isInputObjectType,
  isInputType,
  typeFromAST,
  visit,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { type InputIssue, MAX_ISSUES } from '../../core/errors.ts';
import { isRecord } from '../request.ts';
import { errorAt } from './mask-error.ts';

const CODE = 'BAD_USER_INPUT';

/**
 * Gives GraphQL's own errors about values, in variables and in the document, the code and the issues that errors of the input's
 * schema have.
 * @param hideSuggestions whether the errors omit the valid values
 */
export function useBadUserInput(hideSuggestions: boolean): Plugin {
  return {
    onValidate:
      ({ params: { documentAST } }) =>
      ({ result, setResult }) => {
        if (result.length > 0) setResult(fromValidation(result.slice(0, MAX_ISSUES), documentAST));
      },
    onExecute: ({ args }) => ({
      onExecuteDone: ({ result, setResult }) => setResult(withVariableIssues(args, result, hideSuggestions)),
    }),
    onSubscribe: ({ args }) => ({
      onSubscribeResult: ({ result, setResult }) => setResult(withVariableIssues(args, result, hideSuggestions)),
    }),
  };
}

/** Replaces the errors of variables. They are coerced before execution, so those errors come without data. */
export function withVariableIssues<Result extends object>(
  { schema, document, variableValues, operationName }: ExecutionArgs,
  result: Result,
  hideSuggestions: boolean,
): Result | { errors: GraphQLError[] } {
  if (!('errors' in result) || result.errors === undefined || 'data' in result) return result;
  const operation = getOperationAST(document, operationName);
  const issues = operation
    ? variableIssues(schema, document, operation, variableValues ?? undefined, hideSuggestions)
    : [];
  return issues.length > 0 ? { errors: [toError(issues)] } : result;
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

type Path = InputIssue['path'];

function fromValidation(errors: readonly GraphQLError[], document: DocumentNode): GraphQLError[] {
  const nodes = errors.flatMap((error) => error.nodes?.[0] ?? []);
  const paths = valuePaths(document, new Set(nodes.filter((node) => VALUE_KINDS.has(node.kind))));
  return errors.map((error) => {
    const [node] = error.nodes ?? [];
    const path = node && paths.get(node);
    if (path === undefined) return error;
    const issues = [toIssue(path, error.message)];
    return errorAt(error, error.message, { code: CODE, issues, http: { status: 400, spec: true } });
  });
}

/** Finds the paths of some values in a document. */
function valuePaths(document: DocumentNode, wanted: ReadonlySet<ASTNode>): Map<ASTNode, Path> {
  const paths = new Map<ASTNode, Path>();
  if (wanted.size === 0) return paths;
  walkValues(document, (value, path) => void (wanted.has(value) && paths.set(value, path)));
  return paths;
}

/** Finds the path at which each variable of a document is first used. */
function variablePaths(document: DocumentNode): Map<string, Path> {
  const paths = new Map<string, Path>();
  walkValues(document, (value, path) => {
    if (value.kind === Kind.VARIABLE && !paths.has(value.name.value)) paths.set(value.name.value, path);
  });
  return paths;
}

/** Visits all values in a document. A path has the names of fields and the indexes of lists, from the root of the input. */
function walkValues(document: DocumentNode, found: (value: ValueNode | ObjectFieldNode, path: Path) => void): void {
  const walk = (value: ValueNode, path: Path): void => {
    found(value, path);
    if (value.kind === Kind.LIST) for (const [index, item] of value.values.entries()) walk(item, [...path, index]);
    if (value.kind !== Kind.OBJECT) return;
    for (const field of value.fields) {
      const inside = [...path, field.name.value];
      found(field, inside);
      walk(field.value, inside);
    }
  };
  visit(document, {
    Argument: ({ name, value }) => walk(value, name.value === 'input' ? [] : [name.value]),
  });
}

/** GraphQL reports a missing or an unknown field at its object; only the message has the field's name. */
const FIELD = /^Field "(?:\w+\.)?(\w+)" (?:of required type|is not defined by)/;

function toIssue(path: readonly (string | number)[], message: string): InputIssue {
  const field = FIELD.exec(message)?.[1];
  return { path: field === undefined || path.at(-1) === field ? path : [...path, field], message };
}

function variableIssues(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  values: Readonly<Record<string, unknown>> | undefined,
  hideSuggestions: boolean,
): InputIssue[] {
  const issues: InputIssue[] = [];
  const paths = variablePaths(document);
  const add = (name: string, path: Path, message: string): void => {
    const issue = toIssue([...(paths.get(name) ?? [name]), ...path], message);
    issues.push(issue.path.length === 0 ? { path: [name], message } : issue);
    if (issues.length === MAX_ISSUES) throw ENOUGH;
  };
  try {
    for (const variable of operation.variableDefinitions ?? []) {
      const name = variable.variable.name.value;
      const type = typeFromAST(schema, variable.type);
      // A variable may have the name of a property that every object inherits.
      const value = values !== undefined && Object.hasOwn(values, name) ? values[name] : undefined;
      if (!isInputType(type) || (value === undefined && variable.type.kind !== Kind.NON_NULL_TYPE)) continue;
      const before = issues.length;
      for (const { path, message } of lengthIssues(value, type)) add(name, path, message);
      // The items of a list that is too long are not looked at.
      if (issues.length > before) continue;
      coerceInputValue(value, type, (path, _, error) => add(name, path, error.message), hideSuggestions);
    }
  } catch (error) {
    if (error !== ENOUGH) throw error;
  }
  return issues;
}

/** Ends the coercion of a value, which goes on after an error. */
const ENOUGH = new Error('there are as many issues as a reply has');

/** Lists that are longer than their schema allows. */
function lengthIssues(value: unknown, type: GraphQLInputType, path: Path = []): InputIssue[] {
  const inputType = getNullableType(type);
  if (!isInputObjectType(inputType) || !isRecord(value)) return [];
  return Object.values(inputType.getFields()).flatMap((field) => {
    const inside = value[field.name];
    const place = [...path, field.name];
    const { maxItems } = field.extensions;
    if (typeof maxItems !== 'number' || !Array.isArray(inside) || inside.length <= maxItems)
      return lengthIssues(inside, field.type, place);
    return [{ path: place, message: `Too big: expected array to have <=${maxItems} items` }];
  });
}

function toError(issues: readonly InputIssue[]): GraphQLError {
  const [first] = issues;
  return new GraphQLError(`${first?.path.join('.')}: ${first?.message}`, {
    extensions: { code: CODE, issues, http: { status: 400, spec: true } },
  });
}
