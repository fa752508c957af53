/**
 * Unions in inputs. A caller writes the member of a `@oneOf` object, as in `{ card: { number: "…" } }`; the job's schema, and REST, have the
 * object with its discriminator: `{ kind: "card", number: "…" }`.
 */
import { type GraphQLInputType, GraphQLInputObjectType, getNullableType, isInputObjectType, isListType } from 'graphql';
import { type InputIssue, ServiceError } from '../../core/errors.ts';
import { invalidInput } from '../../core/input/parse-input.ts';
import type { Tag } from '../../core/input/schema-parts.ts';
import { isRecord } from '../request.ts';

/** What the fields of a `@oneOf` object stand for. */
export interface OneOf {
  readonly discriminator: string;
  /** The discriminator's value by the field's name. */
  readonly tags: ReadonlyMap<string, Tag>;
}

/** What an input type stands for; undefined for any but a `@oneOf` object. */
export function oneOfOf({ extensions }: GraphQLInputObjectType): OneOf | undefined {
  // Nothing else sets this extension.
  return extensions['oneOf'] as OneOf | undefined;
}

/** Reads the inputs of one type. */
export interface OneOfReader {
  /** The input as the schema has it. */
  toTagged(input: unknown): unknown;
  /** A path in that, as the caller has written the input. */
  toWrittenPath(path: InputIssue['path'], input: unknown): InputIssue['path'];
  /** An error about that, with paths as the caller has written the input. */
  toWritten(error: unknown, input: unknown): unknown;
}

/** @returns undefined for a type without unions */
export function createOneOfReader(type: GraphQLInputType): OneOfReader | undefined {
  if (!hasOneOf(type, new Set())) return undefined;
  return {
    toTagged: (input) => toTagged(input, type),
    toWrittenPath: (path, input) => toWritten(path, input, type),
    toWritten(error, input) {
      if (!(error instanceof ServiceError) || error.problem !== 'invalid-input') return error;
      return invalidInput(error.issues.map(({ path, message }) => ({ path: toWritten(path, input, type), message })));
    },
  };
}

function hasOneOf(type: GraphQLInputType, seen: Set<GraphQLInputType>): boolean {
  const inside = inner(type);
  if (!isInputObjectType(inside) || seen.has(inside)) return false;
  seen.add(inside);
  return inside.isOneOf || Object.values(inside.getFields()).some((field) => hasOneOf(field.type, seen));
}

/** The type in a type's lists. */
function inner(type: GraphQLInputType): GraphQLInputType {
  const nullable = getNullableType(type);
  return isListType(nullable) ? inner(nullable.ofType) : nullable;
}

function toTagged(value: unknown, type: GraphQLInputType): unknown {
  if (Array.isArray(value)) return value.map((item) => toTagged(item, type));
  const objectType = inner(type);
  if (!isRecord(value) || !(objectType instanceof GraphQLInputObjectType)) return value;
  const fields = objectType.getFields();
  const entries = Object.entries(value).map(([name, item]): [string, unknown] => {
    const field = fields[name];
    return [name, field === undefined ? item : toTagged(item, field.type)];
  });
  const oneOf = oneOfOf(objectType);
  const [only] = entries;
  if (oneOf === undefined || only === undefined) return Object.fromEntries(entries);
  const [member, inside] = only;
  return { ...(isRecord(inside) && inside), [oneOf.discriminator]: oneOf.tags.get(member) };
}

/** GraphQL has checked that the value has one member. */
function toWritten(path: InputIssue['path'], value: unknown, type: GraphQLInputType): InputIssue['path'] {
  const objectType = inner(type);
  const [first, ...rest] = path;
  if (Array.isArray(value)) {
    return typeof first === 'number' ? [first, ...toWritten(rest, value[first], type)] : path;
  }
  if (!isRecord(value) || !(objectType instanceof GraphQLInputObjectType)) return path;
  const fields = objectType.getFields();
  if (oneOfOf(objectType) !== undefined) {
    const [member = ''] = Object.keys(value);
    const field = fields[member];
    return field === undefined ? path : [member, ...toWritten(path, value[member], field.type)];
  }
  const field = typeof first === 'string' ? fields[first] : undefined;
  return first === undefined || field === undefined ? path : [first, ...toWritten(rest, value[first], field.type)];
}
