/** What the mutations that submit one job and those that submit many have in common. */
import type { GraphQLResolveInfo } from 'graphql';
import { readIdempotencyKey } from '../../core/input/idempotency-key.ts';
import type { GraphQLContext } from '../builder.ts';
import { rootFieldsOf } from '../root-fields.ts';
import { type OneOfReader, createOneOfReader } from './one-of.ts';

/** The description of the argument. */
export const IDEMPOTENCY_KEY =
  '1 to 255 printable ASCII characters. A later submission with the same key returns the same job until the job expires. The header Idempotency-Key is equivalent; where the document submits more than once, each submission has a key of its own, made of the header and the name of its field in the reply.';

/**
 * The key of a submission, from the argument or else the header.
 * @throws ServiceError `invalid-input`
 */
export function readKey(
  argument: string | null | undefined,
  { idempotencyKeyHeader }: Pick<GraphQLContext, 'idempotencyKeyHeader'>,
  info: GraphQLResolveInfo,
): string | undefined {
  return argument != null || idempotencyKeyHeader === undefined
    ? readIdempotencyKey(argument ?? undefined, undefined)
    : keyOfField(readIdempotencyKey(undefined, idempotencyKeyHeader), info);
}

/**
 * The header's key, which is for the whole document. Where that submits more than once, each submission has a key of its own.
 * The line break keeps it apart from the keys that callers choose, which are printable.
 */
function keyOfField(
  key: string | undefined,
  { operation, fragments, parentType, path }: GraphQLResolveInfo,
): string | undefined {
  const fields = parentType.getFields();
  const submissions = rootFieldsOf(operation, () => fragments)
    .filter(({ node }) => fields[node.name.value]?.args.some(({ name }) => name === 'idempotencyKey'))
    .map(({ node }) => (node.alias ?? node.name).value);
  return key !== undefined && new Set(submissions).size > 1 ? `${key}\n${path.key}` : key;
}

/** Reads the argument with the input of a field. What its type needs is found out once, when the schema is complete. */
export function lazyReader(argument: 'input' | 'inputs'): (info: GraphQLResolveInfo) => OneOfReader | undefined {
  let known: { readonly reader: OneOfReader | undefined } | undefined;
  return ({ parentType, fieldName }) => {
    const type = parentType.getFields()[fieldName]?.args.find(({ name }) => name === argument)?.type;
    known ??= { reader: type && createOneOfReader(type) };
    return known.reader;
  };
}
