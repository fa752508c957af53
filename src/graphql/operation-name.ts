import {
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
  OperationTypeNode,
  getOperationAST,
} from 'graphql';
import { fragmentsOf, rootFieldsOf } from './root-fields.ts';

/**
 * The name of an operation in metrics and the log: its kind and its root field, such as `mutation submitThumbnail`. The name that the client
 * gives it may be any text.
 */
export type NameOperation = (document: DocumentNode, operationName: string | undefined) => string;

export function createOperationNames(schema: GraphQLSchema): NameOperation {
  const fields = new Map(
    Object.values(OperationTypeNode).map((kind) => [
      kind,
      new Set(Object.keys(schema.getRootType(kind)?.getFields() ?? {})),
    ]),
  );
  /** A document is executed again and again. Its entries are collected with it. */
  const names = new WeakMap<OperationDefinitionNode, string>();

  function nameOf(operation: OperationDefinitionNode, document: DocumentNode): string {
    const known = fields.get(operation.operation);
    const roots = new Set(rootFieldsOf(operation, () => fragmentsOf(document)).map(({ node }) => node.name.value));
    const [field = '', ...others] = [...roots].filter((name) => !name.startsWith('__'));
    if (others.length > 0) return `${operation.operation} several`;
    if (field === '') return `${operation.operation} introspection`;
    return `${operation.operation} ${known?.has(field) ? field : 'unknown'}`;
  }

  return (document, operationName) => {
    const operation = getOperationAST(document, operationName);
    if (operation == null) return '';
    const name = names.get(operation) ?? nameOf(operation, document);
    names.set(operation, name);
    return name;
  };
}
