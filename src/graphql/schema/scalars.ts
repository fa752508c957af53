import {
  GraphQLError,
  GraphQLID,
  type GraphQLInputType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLScalarType,
  type GraphQLSchema,
  Kind,
  type ValueNode,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { z } from 'zod';
import type { Builder } from '../builder.ts';

const RFC_3339 = 'https://datatracker.ietf.org/doc/html/rfc3339';

/** Adds the scalars of a job's own fields. They are text in a certain format, both as JSON and in the code. */
export function addScalars(builder: Builder): void {
  builder.scalarType('DateTime', {
    ...textScalar(
      'DateTime',
      'A date and time with its offset, such as 2026-03-01T12:00:00Z (RFC 3339).',
      z.iso.datetime({ offset: true }),
    ),
    specifiedByURL: RFC_3339,
  });
  builder.scalarType('URL', {
    ...textScalar('URL', 'An absolute URL (RFC 3986).', z.url()),
    specifiedByURL: 'https://datatracker.ietf.org/doc/html/rfc3986',
  });
}

/** Adds the scalar Date, for the schemas that use it. */
export function addDate(builder: Builder) {
  return builder.scalarType('Date', {
    ...textScalar('Date', 'A date without time, such as 2026-03-01 (RFC 3339, full-date).', z.iso.date()),
    specifiedByURL: RFC_3339,
  });
}

/** Adds the scalar SafeInt, for the schemas that use it. */
export function addSafeInt(builder: Builder) {
  const description = 'A whole number from -9007199254740991 to 9007199254740991, which JSON carries exactly.';
  const parse = (value: unknown, node?: ValueNode): number => {
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
    throw unrepresentable('SafeInt', description, node);
  };
  return builder.scalarType('SafeInt', {
    description,
    serialize: (value) => parse(value),
    parseValue: (value) => parse(value),
    parseLiteral: (node: ValueNode) => parse(node.kind === Kind.INT ? Number(node.value) : undefined, node),
  });
}

export type JsonScalar = ReturnType<typeof addJson>;

/**
 * Adds the scalar JSON. Variables are JSON already; a document's values become JSON here, and its limits
 * bound them.
 */
export function addJson(builder: Builder) {
  return builder.scalarType('JSON', {
    description:
      'Any JSON value (RFC 8259). Send it in variables: names of fields in a document have letters, digits and _ alone.',
    specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259',
    serialize: (value) => value,
    parseValue: (value) => value,
    parseLiteral: toJson,
  });
}

/** @throws GraphQLError at the part of the value that JSON does not have */
function toJson(node: ValueNode, variables?: Readonly<Record<string, unknown>> | null): unknown {
  switch (node.kind) {
    case Kind.NULL:
      return null;
    case Kind.INT:
    case Kind.FLOAT:
      return Number(node.value);
    case Kind.STRING:
    case Kind.BOOLEAN:
      return node.value;
    case Kind.VARIABLE:
      return variables?.[node.name.value];
    case Kind.LIST:
      return node.values.map((item) => toJson(item, variables) ?? null);
    case Kind.OBJECT: {
      const entries = node.fields.map((field) => [field.name.value, toJson(field.value, variables)] as const);
      const forbidden = node.fields.find(({ name, value }) => isForbidden(name.value, value));
      if (forbidden !== undefined) throw new GraphQLError('Forbidden field name', { nodes: forbidden });
      return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
    }
    case Kind.ENUM:
      throw new GraphQLError(`JSON cannot represent ${node.value}; send text in quotes.`, { nodes: node });
  }
}

/** Fields that could pollute prototypes, as in JSON from callers. */
function isForbidden(name: string, value: ValueNode): boolean {
  if (name === '__proto__') return true;
  if (name !== 'constructor' || value.kind !== Kind.OBJECT) return false;
  return value.fields.some((field) => field.name.value === 'prototype');
}

/** GraphQL's ID, without the JSON numbers that have lost digits: they would name another thing than the one that was meant. */
export const ExactID = new GraphQLScalarType({
  ...GraphQLID.toConfig(),
  parseValue(value) {
    if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) throw inexactId();
    return GraphQLID.parseValue(value);
  },
  parseLiteral(node) {
    // A document would keep all digits, but a value is valid in both places or in neither.
    if (node.kind === Kind.INT && !Number.isSafeInteger(Number(node.value))) throw inexactId(node);
    return GraphQLID.parseLiteral(node);
  },
});

function inexactId(node?: ValueNode): GraphQLError {
  return new GraphQLError('ID cannot represent a number beyond 9007199254740991; send it as a string.', {
    nodes: node ?? null,
  });
}

/** Replaces GraphQL's ID wherever a schema takes input. Pothos has no option for a specified scalar. */
export function useExactID(schema: GraphQLSchema): GraphQLSchema {
  const types = schema.getTypeMap();
  types[GraphQLID.name] = ExactID;
  for (const type of Object.values(types)) {
    if (isInputObjectType(type)) for (const field of Object.values(type.getFields())) field.type = exact(field.type);
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of Object.values(type.getFields()))
      for (const argument of field.args) argument.type = exact(argument.type);
  }
  return schema;
}

function exact(type: GraphQLInputType): GraphQLInputType {
  if (isNonNullType(type)) return new GraphQLNonNull(exact(type.ofType));
  if (isListType(type)) return new GraphQLList(exact(type.ofType));
  return type === GraphQLID ? ExactID : type;
}

function textScalar(name: string, description: string, schema: z.ZodType<string>) {
  const parse = (value: unknown, node?: ValueNode): string => {
    const parsed = schema.safeParse(value);
    if (!parsed.success) throw unrepresentable(name, description, node);
    return parsed.data;
  };
  return {
    description,
    serialize: (value: unknown) => (value instanceof Date ? value.toISOString() : String(value)),
    parseValue: (value: unknown) => parse(value),
    parseLiteral: (node: ValueNode) => parse(node.kind === Kind.STRING ? node.value : undefined, node),
  };
}

/** @param node the value's place in a document; errors without one do not name their field */
function unrepresentable(name: string, expected: string, node: ValueNode | undefined): GraphQLError {
  return new GraphQLError(`${name} cannot represent this value; expected: ${expected}`, { nodes: node ?? null });
}
