/** Valid documents, generated from the schema. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import {
  type GraphQLArgument,
  type GraphQLField,
  GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLInterfaceType,
  GraphQLObjectType,
  buildSchema,
  getNamedType,
  isEnumType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { LIBRARY } from '../support/projects.ts';
import { type Argument, type Operation, type Selection, printOperation } from './print-operation.ts';

const schema = buildSchema(readFileSync(join(LIBRARY, 'generated/schema.graphql'), 'utf8'));

const MAX_DEPTH = 5;

type Composite = GraphQLObjectType | GraphQLInterfaceType;

/** A value of an input type, with its literal in the document. */
function valueOf(
  type: GraphQLInputType,
  name: string,
  texts: fc.Arbitrary<string>,
): fc.Arbitrary<{ value: unknown; literal: string }> {
  if (isNonNullType(type)) return valueOf(type.ofType, name, texts);
  if (isListType(type)) {
    return fc.array(valueOf(type.ofType, name, texts), { minLength: 1, maxLength: 2 }).map((items) => ({
      value: items.map((item) => item.value),
      literal: `[${items.map((item) => item.literal).join(', ')}]`,
    }));
  }
  if (isEnumType(type)) {
    return fc.constantFrom(...type.getValues().map((each) => each.name)).map((value) => ({ value, literal: value }));
  }
  if (type instanceof GraphQLInputObjectType) {
    const fields = Object.values(type.getFields());
    const required = fields.filter((field) => isNonNullType(field.type)).map((field) => field.name);
    return fc
      .record(Object.fromEntries(fields.map((field) => [field.name, valueOf(field.type, field.name, texts)])), {
        requiredKeys: required,
      })
      .map((values) => {
        const entries = Object.entries(values);
        return {
          value: Object.fromEntries(entries.map(([field, each]) => [field, each?.value])),
          literal: `{${entries.map(([field, each]) => `${field}: ${each?.literal}`).join(', ')}}`,
        };
      });
  }
  const scalars: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
    // A wait ends with the job or after these seconds, and a subscription when the job has run.
    Int:
      name === 'waitSeconds' || name === 'delaySeconds' ? fc.constantFrom(0, 0, 1) : fc.integer({ min: 1, max: 100 }),
    Boolean: fc.boolean(),
    Float: fc.double({ noNaN: true, noDefaultInfinity: true }),
    DateTime: fc.constant('2026-03-01T12:00:00Z'),
  };
  return (scalars[type.name] ?? texts).map((value) => ({ value, literal: toLiteral(value) }));
}

/** JSON's escapes are GraphQL's too (GraphQL, section 2.9.4). */
function toLiteral(value: unknown): string {
  return JSON.stringify(value);
}

function argumentOf({ name, type }: GraphQLArgument, texts: fc.Arbitrary<string>): fc.Arbitrary<Argument> {
  return fc
    .tuple(valueOf(type, name, texts), fc.boolean())
    .map(([value, asVariable]) => ({ ...value, name, type: String(type), asVariable }));
}

function argumentsOf(field: GraphQLField<unknown, unknown>, texts: fc.Arbitrary<string>): fc.Arbitrary<Argument[]> {
  return fc
    .tuple(
      ...field.args.map((each) => {
        const given = argumentOf(each, texts);
        return isNonNullType(each.type) ? given : fc.option(given, { nil: undefined });
      }),
    )
    .map((given) => given.filter((each) => each !== undefined));
}

function fieldOf(
  field: GraphQLField<unknown, unknown>,
  depth: number,
  texts: fc.Arbitrary<string>,
): fc.Arbitrary<Selection> {
  const type = getNamedType(field.type);
  return fc.record({
    kind: fc.constant('field' as const),
    name: fc.constant(field.name),
    isLeaf: fc.constant(isLeafType(type)),
    aliased: fc.boolean(),
    included: fc.integer({ min: 0, max: 9 }).map((each) => each === 0),
    arguments: argumentsOf(field, texts),
    selections: isObjectType(type) || isInterfaceType(type) ? selectionsOf(type, depth + 1, texts) : fc.constant([]),
  });
}

function selectionsOf(type: Composite, depth: number, texts: fc.Arbitrary<string>): fc.Arbitrary<Selection[]> {
  const fields = Object.values(type.getFields()).filter(
    (field) => depth < MAX_DEPTH || isLeafType(getNamedType(field.type)),
  );
  const typename: fc.Arbitrary<Selection> = fc.boolean().map((aliased) => ({
    kind: 'field',
    name: '__typename',
    isLeaf: true,
    aliased,
    included: false,
    arguments: [],
    selections: [],
  }));
  const possible = isInterfaceType(type) ? schema.getPossibleTypes(type) : [type];
  const fragments =
    depth < MAX_DEPTH - 1
      ? possible.map((each): fc.Arbitrary<Selection> =>
          fc.record({
            kind: fc.constant('fragment' as const),
            on: fc.constant(each.name),
            named: fc.boolean(),
            selections: fc.array(fc.oneof(...fieldsOf(each, depth, texts)), { minLength: 1, maxLength: 2 }),
          }),
        )
      : [];
  return fc.array(fc.oneof(...fields.map((field) => fieldOf(field, depth, texts)), typename, ...fragments), {
    minLength: 1,
    maxLength: 4,
  });
}

function fieldsOf(
  type: Composite,
  depth: number,
  texts: fc.Arbitrary<string>,
  isWanted = (_field: GraphQLField<unknown, unknown>) => true,
): fc.Arbitrary<Selection>[] {
  return Object.values(type.getFields())
    .filter((field) => isWanted(field) && (depth < MAX_DEPTH - 1 || isLeafType(getNamedType(field.type))))
    .map((field) => fieldOf(field, depth, texts));
}

function rootOf(kind: Operation['kind']): Composite {
  const root = {
    query: schema.getQueryType(),
    mutation: schema.getMutationType(),
    subscription: schema.getSubscriptionType(),
  }[kind];
  if (!(root instanceof GraphQLObjectType)) throw new Error(`the schema has no ${kind}`);
  return root;
}

/** Valid operations. @param texts the values of strings */
export function operation(texts: fc.Arbitrary<string>): fc.Arbitrary<Operation> {
  const query = fc.array(fc.oneof(...fieldsOf(rootOf('query'), 0, texts)), { minLength: 1, maxLength: 2 });
  const mutation = fc.array(fc.oneof(...fieldsOf(rootOf('mutation'), 0, texts)), { minLength: 1, maxLength: 2 });
  // A subscription has one root field (GraphQL, section 5.2.3.1), which no directive may exclude. That of all jobs has no end.
  const subscription = fc
    .oneof(...fieldsOf(rootOf('subscription'), 0, texts, ({ name }) => name !== 'jobChanges'))
    .map((field) => [{ ...field, included: false }]);
  return fc.oneof(
    { arbitrary: query.map((selections) => printOperation('query', selections)), weight: 5 },
    { arbitrary: mutation.map((selections) => printOperation('mutation', selections)), weight: 4 },
    { arbitrary: subscription.map((selections) => printOperation('subscription', selections)), weight: 1 },
  );
}
