import {
  type GraphQLInputField,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isObjectType,
  isUnionType,
  lexicographicSortSchema,
  parse,
  printSchema,
  validate,
  validateSchema,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { isoDatetimeToDate, stringToBigInt } from '../../src/core/codecs.ts';
import { type JobType, defineJob } from '../../src/core/define-job.ts';
import { createRegistry } from '../../src/core/registry.ts';
import { StartError } from '../../src/core/start-error.ts';
import { singular } from '../../src/core/type-name.ts';
import { createExamples } from '../../src/graphql/examples.ts';
import { createBuilder } from '../../src/graphql/builder.ts';
import { createGraphQLSchema } from '../../src/graphql/schema/schema.ts';
import { SchemaShapeError, toShape } from '../../src/graphql/schema/zod-shape.ts';
import { addJson } from '../../src/graphql/schema/scalars.ts';
import { createFromZod } from '../../src/graphql/schema/from-zod.ts';

const plain = z.object({ ok: z.boolean() });

function jobType(input: z.ZodObject, result: z.ZodObject = plain, name = 'x'): JobType {
  const description = 'Does what its name says.';
  return defineJob({ name, collection: `${name}s`, description, input, result, run: () => ({}) });
}

function schemaOf(...types: JobType[]): GraphQLSchema {
  const schema = createGraphQLSchema(createRegistry(types.map((type) => ({ file: `jobs/${type.name}.ts`, type }))));
  expect(validateSchema(schema)).toEqual([]);
  return schema;
}

function catchError(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  return expect.fail('nothing was thrown');
}

function fieldsOf(schema: GraphQLSchema, name: string) {
  const type = schema.getType(name);
  if (isObjectType(type) || isInputObjectType(type)) return type.getFields();
  throw new Error(`there is no object type ${name}`);
}

/** Names and types of an object's fields. */
function typesOf(schema: GraphQLSchema, name: string): Record<string, string> {
  return Object.fromEntries(Object.values(fieldsOf(schema, name)).map((field) => [field.name, String(field.type)]));
}

/** A job's only input field. */
function inputField(field: z.ZodType): GraphQLInputField | undefined {
  const type = schemaOf(jobType(z.object({ field }))).getType('SubmitXInput');
  return isInputObjectType(type) ? type.getFields()['field'] : undefined;
}
const inputType = (field: z.ZodType): string => String(inputField(field)?.type);
/** The type of a result's field. */
const resultType = (field: z.ZodType): string | undefined =>
  typesOf(schemaOf(jobType(plain, z.object({ field }))), 'XResult')['field'];

const setCodec = { decode: (list: number[]) => new Set(list), encode: (set: Set<number>) => [...set] };

describe('the type of a field', () => {
  it.each([
    ['text', z.string(), 'String!'],
    ['a uuid', z.uuid(), 'String!'],
    ['trimmed text', z.string().trim().min(1), 'String!'],
    ['a boolean', z.boolean(), 'Boolean!'],
    ['a number', z.number().min(0), 'Float!'],
    ['an integer', z.int(), 'SafeInt!'],
    ['an integer with one bound', z.number().int().nonnegative(), 'SafeInt!'],
    ['an integer of 32 bits', z.int32(), 'Int!'],
    [
      'an integer up to 2^31 - 1',
      z
        .int()
        .min(-(2 ** 31))
        .max(2 ** 31 - 1),
      'Int!',
    ],
    [
      'an integer from 0 up to 2^31',
      z
        .int()
        .min(0)
        .max(2 ** 31),
      'SafeInt!',
    ],
    [
      'an integer down from -2^31 - 1',
      z
        .int()
        .min(-(2 ** 31) - 1)
        .max(0),
      'SafeInt!',
    ],
    ['an unsigned integer', z.uint32(), 'SafeInt!'],
    ['a date and time', z.iso.datetime(), 'DateTime!'],
    ['a date', z.iso.date(), 'Date!'],
    ['a URL', z.url(), 'URL!'],
    ['a list', z.array(z.string()), '[String!]!'],
    ['a list of lists with nulls', z.array(z.array(z.int32().nullable())), '[[Int]!]!'],
    ['an optional list', z.array(z.string()).optional(), '[String!]'],
    ['an optional value', z.string().optional(), 'String'],
    ['a nullable value', z.string().nullable(), 'String'],
    ['a value that may be null or absent', z.string().nullish(), 'String'],
    ['a value that may be null, but not absent', z.string().nullish().nonoptional(), 'String'],
    ['a value that is required again', z.string().optional().nonoptional(), 'String!'],
    ['a read-only value', z.string().readonly(), 'String!'],
    ['text made of parts', z.templateLiteral(['a-', z.int()]), 'String!'],
    ['a number that is a constant', z.literal([1, 2]), 'Int!'],
    ['a large number that is a constant', z.literal(2 ** 40), 'SafeInt!'],
    ['a fraction that is a constant', z.literal(0.5), 'Float!'],
    ['a boolean that is a constant', z.literal(true), 'Boolean!'],
    ['a record', z.record(z.string(), z.union([z.string(), z.tuple([z.int()])])), 'JSON!'],
    ['JSON', z.json(), 'JSON'],
    ['JSON with a description', z.json().describe('Anything.'), 'JSON'],
    ['a list of JSON', z.array(z.json()), '[JSON]!'],
    ['an unknown value', z.unknown(), 'JSON'],
    ['any value', z.any().optional(), 'JSON'],
    ['a date and time in the code', isoDatetimeToDate, 'DateTime!'],
    ['a big number in the code', stringToBigInt.nullable(), 'String'],
    ['text that becomes a boolean', z.stringbool(), 'String!'],
    ['a set in the code', z.codec(z.array(z.int()), z.set(z.int()), setCodec), '[SafeInt!]!'],
  ])('is the same in the input and in the result for %s', (_, field, expected) => {
    expect([inputType(field), resultType(field)]).toEqual([expected, expected]);
  });

  it.each([
    ['a default', z.string().default('a'), 'String', 'String!'],
    ['a default of a codec', isoDatetimeToDate.default(new Date(0)), 'DateTime', 'DateTime!'],
  ])(
    'is that of the accepted value in the input and of the returned value in the result, for %s',
    (_, field, input, result) => {
      expect([inputType(field), resultType(field)]).toEqual([input, result]);
    },
  );

  it('is an ID for a string field called id', () => {
    const schema = schemaOf(
      jobType(z.object({ id: z.string().max(9), paid: z.string(), in: z.object({ id: z.int() }) })),
    );
    expect(typesOf(schema, 'SubmitXInput')).toMatchObject({ id: 'ID!', paid: 'String!' });
    expect(typesOf(schema, 'XInInput')).toEqual({ id: 'SafeInt!' });
  });

  it('shows a submitted input as it was sent, before defaults and transforms', () => {
    const input = z.object({ size: z.int().default(1), flag: z.stringbool(), name: z.string().transform((n) => [n]) });
    expect(typesOf(schemaOf(jobType(input)), 'XJobInput')).toEqual({
      size: 'SafeInt',
      flag: 'String!',
      name: 'String!',
    });
  });
});

it('a list knows how many items its schema allows', () => {
  const lists = z.object({ few: z.array(z.int()).max(3), exact: z.array(z.int()).length(2), any: z.array(z.int()) });
  const schema = schemaOf(jobType(lists, lists));
  for (const name of ['SubmitXInput', 'XJobInput', 'XResult']) {
    const maxima = Object.values(fieldsOf(schema, name)).map(({ extensions }) => extensions['maxItems']);
    expect(maxima).toEqual([3, 2, undefined]);
  }
});

describe('a default value', () => {
  // GraphQL would add the default to the input that is stored.
  it('is in the description of the input field, and not the field’s own', () => {
    const described = (field: z.ZodType) => {
      const { description, defaultValue } = inputField(field) ?? {};
      expect(defaultValue).toBeUndefined();
      return description;
    };
    expect(described(z.string().default('a'))).toBe('Default: `"a"`.');
    expect(described(z.array(z.int()).default([1]).describe('Numbers.'))).toBe('Numbers.\n\nDefault: `[1]`.');
    expect(described(z.enum(['in-progress', 'done']).default('in-progress'))).toBe('Default: `IN_PROGRESS`.');
    expect(described(z.stringbool().prefault('yes'))).toBe('Default: `"yes"`.');
    expect(described(z.string().optional())).toBeUndefined();
  });

  it('is not shown where the input would not accept it, where GraphQL writes it in another way, or where it differs each time', () => {
    const union = z.discriminatedUnion('kind', [z.object({ kind: z.literal('a'), n: z.int() })]);
    let calls = 0;
    const values = [
      z.stringbool().default(true),
      union.default({ kind: 'a', n: 1 }),
      z.json().default({ a: [1] }),
      z.record(z.string(), z.int()).default({}),
      isoDatetimeToDate.default(new Date(0)),
      z.string().default(() => String((calls += 1))),
    ];
    for (const value of values) expect(inputField(value)?.description ?? undefined).toBeUndefined();
  });
});

describe('a named type', () => {
  const color = z.enum(['red', 'dark-red', 'lightRed']).describe('A color.');
  const sharedColor = color.meta({ id: 'Color' });
  const place = z.object({ city: z.string().describe('In its own language.'), color: sharedColor });
  const sharedPlace = place.meta({ id: 'Place', description: 'Somewhere.' });

  it('is named after the fields that lead to it, with the singular of a list', () => {
    const town = z.object({ city: z.string(), kind: z.enum(['a', 'b']) });
    const nested = z.object({ stops: z.array(z.object({ place: town })).optional() });
    const schema = schemaOf(jobType(nested, nested));
    expect(typesOf(schema, 'SubmitXInput')).toEqual({ stops: '[XStopInput!]' });
    expect(typesOf(schema, 'XStopInput')).toEqual({ place: 'XStopPlaceInput!' });
    expect(typesOf(schema, 'XStopPlaceInput')).toEqual({ city: 'String!', kind: 'XStopPlaceKind!' });
    expect(typesOf(schema, 'XJobInput')).toEqual({ stops: '[SubmittedXStop!]' });
    expect(typesOf(schema, 'SubmittedXStopPlace')).toEqual({ city: 'String!', kind: 'XStopPlaceKind!' });
    expect(typesOf(schema, 'XResult')).toEqual({ stops: '[XResultStop!]' });
    expect(typesOf(schema, 'XResultStopPlace')).toEqual({ city: 'String!', kind: 'XResultStopPlaceKind!' });
  });

  it.each([
    ['lines', 'line'],
    ['entries', 'entry'],
    ['addresses', 'address'],
    ['boxes', 'box'],
    ['prices', 'price'],
    ['status', 'status'],
    ['glass', 'glass'],
    ['analysis', 'analysis'],
    ['keys', 'key'],
    ['sheep', 'sheep'],
    ['s', 's'],
  ])('of an item of %s is that of a %s', (list, item) => {
    expect(singular(list)).toBe(item);
  });

  it('is named by the id of its schema, and made once for all job types', () => {
    const first = jobType(z.object({ from: sharedPlace, to: sharedPlace.nullable() }), plain, 'first');
    const second = jobType(z.object({ at: z.array(sharedPlace), color: sharedColor }), sharedPlace, 'second');
    const schema = schemaOf(first, second);
    expect(typesOf(schema, 'SubmitFirstInput')).toEqual({ from: 'PlaceInput!', to: 'PlaceInput' });
    expect(typesOf(schema, 'SubmitSecondInput')).toEqual({ at: '[PlaceInput!]!', color: 'Color!' });
    expect(typesOf(schema, 'SecondJob')).toMatchObject({ input: 'SecondJobInput', result: 'Place' });
    expect(typesOf(schema, 'Place')).toEqual({ city: 'String!', color: 'Color!' });
    expect(printSchema(lexicographicSortSchema(schema)).match(/^(type|input|enum) (Place|Color)/gm)).toEqual([
      'enum Color',
      'type Place',
      'input Place',
    ]);
  });

  it('has the descriptions of its schema and fields', () => {
    const schema = schemaOf(jobType(z.object({ place: sharedPlace.optional(), other: place.describe('Elsewhere.') })));
    expect(schema.getType('PlaceInput')?.description).toBe('Somewhere.');
    expect(schema.getType('Color')?.description).toBe('A color.');
    expect(fieldsOf(schema, 'PlaceInput')['city']?.description).toBe('In its own language.');
    expect(fieldsOf(schema, 'SubmitXInput')['other']?.description).toBe('Elsewhere.');
    expect(schema.getType('XJob')?.description).toBe('Does what its name says.');
  });

  it('of an enum has its values in capitals, which stand for those of zod', () => {
    const literal = z.literal(['only', 'other']);
    const schema = schemaOf(jobType(z.object({ color: sharedColor, list: z.array(color), literal })));
    const valuesOf = (name: string) => {
      const type = schema.getType(name);
      return isEnumType(type) ? type.getValues().map((item): unknown => [item.name, item.value]) : [];
    };
    const expected = ['RED,red', 'DARK_RED,dark-red', 'LIGHT_RED,lightRed'].map((pair) => pair.split(','));
    expect(valuesOf('Color')).toEqual(expected);
    expect(valuesOf('XList')).toEqual(expected);
    expect(valuesOf('XLiteral')).toEqual([
      ['ONLY', 'only'],
      ['OTHER', 'other'],
    ]);
  });
});

describe('a union', () => {
  const card = z.object({ kind: z.literal('credit-card'), number: z.string() }).describe('A card.');
  const cash = z.object({ kind: z.literal('CASH') });
  const paid = z.discriminatedUnion('kind', [card, cash]).describe('How it is paid.');
  const valuesOf = (schema: GraphQLSchema, name: string): string[] => {
    const type = schema.getType(name);
    return isUnionType(type) ? type.getTypes().map((member) => member.name) : [];
  };

  it('is a @oneOf object in an input, and a union in what is read', () => {
    const schema = schemaOf(jobType(z.object({ paid: z.array(paid).optional() }), z.object({ paid: paid.nullable() })));
    expect(typesOf(schema, 'SubmitXInput')).toEqual({ paid: '[XPaidInput!]' });
    expect(typesOf(schema, 'XPaidInput')).toEqual({ creditCard: 'XPaidCreditCardInput', cash: 'XPaidCashInput' });
    expect(typesOf(schema, 'XPaidCreditCardInput')).toEqual({ number: 'String!' });
    expect(typesOf(schema, 'XPaidCashInput')).toEqual({ kind: 'XPaidCashKind' });
    expect(schema.getType('XPaidInput')).toMatchObject({ isOneOf: true, description: 'How it is paid.' });
    expect(fieldsOf(schema, 'XPaidInput')['creditCard']?.description).toBe('A card.');
    expect(typesOf(schema, 'XResult')).toEqual({ paid: 'XResultPaid' });
    expect(valuesOf(schema, 'XResultPaid')).toEqual(['XResultPaidCreditCard', 'XResultPaidCash']);
    expect(valuesOf(schema, 'SubmittedXPaid')).toEqual(['SubmittedXPaidCreditCard', 'SubmittedXPaidCash']);
    expect(typesOf(schema, 'XResultPaidCreditCard')).toEqual({ kind: 'XResultPaidKind!', number: 'String!' });
    expect(typesOf(schema, 'XResultPaidCash')).toEqual({ kind: 'XResultPaidKind!' });
    const kind = schema.getType('XResultPaidKind');
    expect(isEnumType(kind) && kind.getValues().map(({ name }) => name)).toEqual(['CREDIT_CARD', 'CASH']);
    const query = `{ jobStatus(id: 1) { ... on XJob { input { paid { ... on SubmittedXPaidCreditCard { kind }
      ... on SubmittedXPaidCash { kind } } } result { paid { ... on XResultPaidCreditCard { kind } ... on XResultPaidCash { kind } } } } } }`;
    expect(validate(schema, parse(query))).toEqual([]);
  });

  it('has no type for a value that is no member, which a newer version may have stored', () => {
    const type = schemaOf(jobType(plain, z.object({ paid }))).getType('XResultPaid');
    const typeNameOf = (kind: string): unknown =>
      // The resolver reads nothing but the value.
      isUnionType(type) ? type.resolveType?.({ kind }, {}, {} as GraphQLResolveInfo, type) : undefined;
    expect(typeNameOf('CASH')).toBe('XResultPaidCash');
    expect(() => typeNameOf('crypto')).toThrow('a stored value is no member of the union XResultPaid');
  });

  it('is told apart by booleans, numbers and several values too, and by a literal that it does not name', () => {
    const ok = z.union([
      z.object({ ok: z.literal(true), id: z.string() }),
      z.object({ ok: z.literal(false), reason: z.string() }),
    ]);
    const version = z.discriminatedUnion('v', [
      z.object({ v: z.literal([1, 2]), a: z.string() }),
      z.object({ v: z.literal(3), b: z.string() }),
    ]);
    const input = z.object({ ok, version });
    const schema = schemaOf(jobType(input, input));
    expect(typesOf(schema, 'XOkInput')).toEqual({ okTrue: 'XOkOkTrueInput', okFalse: 'XOkOkFalseInput' });
    expect(typesOf(schema, 'XVersionInput')).toEqual({
      v1: 'XVersionV1Input',
      v2: 'XVersionV1Input',
      v3: 'XVersionV3Input',
    });
    expect(valuesOf(schema, 'XResultOk')).toEqual(['XResultOkOkTrue', 'XResultOkOkFalse']);
    expect(valuesOf(schema, 'XResultVersion')).toEqual(['XResultVersionV1', 'XResultVersionV3']);
  });

  it('is named by its id, and its members by theirs where they are read', () => {
    const shared = z.discriminatedUnion('kind', [card.meta({ id: 'Card' }), cash]).meta({ id: 'Paid' });
    const schema = schemaOf(
      jobType(z.object({ a: shared, b: shared, c: card.meta({ id: 'Card2' }) }), z.object({ shared })),
    );
    expect(typesOf(schema, 'SubmitXInput')).toEqual({ a: 'PaidInput!', b: 'PaidInput!', c: 'Card2Input!' });
    expect(typesOf(schema, 'PaidInput')).toEqual({ creditCard: 'PaidCreditCardInput', cash: 'PaidCashInput' });
    expect(valuesOf(schema, 'Paid')).toEqual(['Card', 'PaidCash']);
    expect(valuesOf(schema, 'SubmittedPaid')).toEqual(['SubmittedCard', 'SubmittedPaidCash']);
  });

  it('may have unions in it that tell its members apart further', () => {
    const more = z.discriminatedUnion('kind', [paid, z.object({ kind: z.literal('none'), why: paid })]);
    const schema = schemaOf(jobType(z.object({ more }), z.object({ more })));
    expect(Object.keys(typesOf(schema, 'XMoreInput'))).toEqual(['creditCard', 'cash', 'none']);
    expect(typesOf(schema, 'XMoreNoneInput')).toEqual({ why: 'XMoreNoneWhyInput!' });
  });
});

describe('a schema that contains itself', () => {
  const node = z.object({
    name: z.string(),
    get children() {
      return z.array(node).optional();
    },
  });

  it('has its own type inside', () => {
    const schema = schemaOf(jobType(z.object({ nodes: z.array(node), other: node }), z.object({ root: node })));
    expect(typesOf(schema, 'SubmitXInput')).toEqual({ nodes: '[XNodeInput!]!', other: 'XOtherInput!' });
    expect(typesOf(schema, 'XNodeInput')).toEqual({ name: 'String!', children: '[XNodeInput!]' });
    expect(typesOf(schema, 'XOtherInput')).toEqual({ name: 'String!', children: '[XOtherInput!]' });
    expect(typesOf(schema, 'SubmittedXNode')).toEqual({ name: 'String!', children: '[SubmittedXNode!]' });
    expect(typesOf(schema, 'XResultRoot')).toEqual({ name: 'String!', children: '[XResultRoot!]' });
  });

  it('is named by its id, also through z.lazy() and other schemas', () => {
    const shared: z.ZodType = z
      .object({ in: z.object({ list: z.array(z.lazy(() => shared)).max(3) }) })
      .meta({ id: 'Shared' });
    const schema = schemaOf(jobType(z.object({ shared }), z.object({ shared })));
    expect(typesOf(schema, 'SharedInput')).toEqual({ in: 'SharedInInput!' });
    expect(typesOf(schema, 'SharedInInput')).toEqual({ list: '[SharedInput!]!' });
    expect(typesOf(schema, 'SharedIn')).toEqual({ list: '[Shared!]!' });
    expect(typesOf(schema, 'SubmittedSharedIn')).toEqual({ list: '[SubmittedShared!]!' });
  });

  it('may be a union', () => {
    const and = z.object({
      op: z.literal('and'),
      get of() {
        return z.array(filter);
      },
    });
    const filter = z.discriminatedUnion('op', [and, z.object({ op: z.literal('is'), value: z.string() })]);
    const schema = schemaOf(jobType(z.object({ filter }), z.object({ filter })));
    expect(typesOf(schema, 'XFilterInput')).toEqual({ and: 'XFilterAndInput', is: 'XFilterIsInput' });
    expect(typesOf(schema, 'XFilterAndInput')).toEqual({ of: '[XFilterInput!]!' });
    expect(typesOf(schema, 'XResultFilterAnd')).toEqual({ op: 'XResultFilterOp!', of: '[XResultFilter!]!' });
  });

  it('may have its id outside alone', () => {
    const schema = schemaOf(jobType(plain, node.meta({ id: 'Tree' })));
    expect(typesOf(schema, 'Tree')).toEqual({ name: 'String!', children: '[TreeChildren!]' });
    expect(typesOf(schema, 'TreeChildren')).toEqual({ name: 'String!', children: '[TreeChildren!]' });
  });

  it('may be the whole input and the whole result', () => {
    const root = z.object({
      get inner() {
        return root.optional();
      },
    });
    const schema = schemaOf(jobType(root, root));
    expect(typesOf(schema, 'SubmitXInput')).toEqual({ inner: 'SubmitXInput' });
    expect(typesOf(schema, 'XJobInput')).toEqual({ inner: 'XJobInput' });
    expect(typesOf(schema, 'XResult')).toEqual({ inner: 'XResult' });
  });
});

const pattern = (side: string, expected: string): RegExp =>
  new RegExp(`^jobs/x\\.ts: ${side}\\.${expected.replaceAll(/[()[\]]/g, String.raw`\$&`)}`);

describe('a schema that GraphQL cannot express', () => {
  const copied = z.object({
    get child() {
      return copied.describe('A copy.').optional();
    },
  });
  const endless = (): z.ZodObject =>
    z.object({
      get child() {
        return endless().optional();
      },
    });
  const twice = (): z.ZodType => z.object({ left: z.lazy(twice).optional(), right: z.lazy(twice).optional() });
  const lists: z.ZodType = z.lazy(() => z.array(lists));
  const same = z.object({ kind: z.literal('a'), a: z.string() });
  const refused: [string, z.ZodType, string][] = [
    ['z.date()', z.date(), 'when: z.date() .*isoDatetimeToDate'],
    ['z.coerce.date()', z.coerce.date(), 'when: z.date() .*z.iso.datetime()'],
    ['z.bigint()', z.bigint(), 'when: z.bigint() .*stringToBigInt'],
    ['z.int64()', z.int64(), 'when: z.bigint() .*stringToBigInt'],
    ['z.map()', z.map(z.string(), z.int()), 'when: z.map() .*z.record(z.string(), …)'],
    ['z.set()', z.set(z.string()), 'when: z.set() .*z.array(…)'],
    ['z.tuple()', z.tuple([z.string()]), 'when: z.tuple() .*z.object({ … })'],
    ['z.null()', z.null(), 'when: z.null() .*.nullable()'],
    ['z.custom()', z.custom<string>(), 'when: z.custom() .*z.codec()'],
    ['z.instanceof()', z.instanceof(URL), 'when: z.custom() and z.instanceof() .*z.codec()'],
    ['z.intersection()', z.object({ a: z.int() }).and(z.object({ b: z.int() })), 'when: z.intersection() .*.extend('],
    ['a union of other types', z.union([z.string(), z.int()]), 'when: the members .*z.discriminatedUnion('],
    ['a union of texts', z.union([z.literal('a'), z.enum(['b', 'c'])]), "when: .*z.enum(['a', 'b', 'c'])"],
    ['a union with null', z.union([z.string(), z.null()]), 'when: .*.nullable()'],
    ['a union of the same literal', z.union([same, same.extend({ b: z.int() })]), 'when: the members .*literal'],
    [
      'a discriminator that may be absent',
      z.discriminatedUnion('kind', [same, z.object({ kind: z.literal('b').optional() })]),
      'when: the members .*literal',
    ],
    [
      'a discriminator without a name in GraphQL',
      z.discriminatedUnion('kind', [same, z.object({ kind: z.literal('café') })]),
      'when: the value "café" of "kind" has no name .*a letter',
    ],
    [
      'discriminators with one name in GraphQL',
      z.discriminatedUnion('kind', [same, z.object({ kind: z.literal('A') })]),
      'when: the value "A" of "kind" has no name',
    ],
    ['a number and a text as z.literal()', z.literal([1, 'a']), 'when: values of several types .*z.literal()'],
    ['null as z.literal()', z.literal(['a', null]), 'when: values of several types .*.nullable()'],
    ['an object without fields', z.object({}), 'when: an object without fields'],
    ['z.looseObject()', z.looseObject({ a: z.string() }), 'when: an object with fields of any name .*z.record('],
    ['z.object().catchall()', z.object({ a: z.int() }).catchall(z.int()), 'when: an object with fields of any name'],
    ['a copy of an object in itself', copied, 'when.child: a schema that contains a copy of itself'],
    ['objects inside one another without end', endless(), 'when.child.child.child.*: a schema that contains a copy'],
    ['objects that branch without end', twice(), 'when.left.left.left.*: a schema that contains a copy'],
    ['lists inside one another without end', lists, 'when[]: a list of itself .*z.json()'],
    ['a schema inside lists and objects', z.array(z.object({ at: z.date().optional() })), 'when[].at: z.date() '],
    ['a schema inside a record', z.record(z.string(), z.object({ at: z.date() })), 'when[].at: z.date() '],
    [
      'a schema inside a union',
      z.discriminatedUnion('kind', [same, z.object({ kind: z.literal('b'), at: z.date() })]),
      'when.at: z.date() ',
    ],
    ['a name that is invalid in GraphQL', z.object({ 'a-b': z.string() }), 'when.a-b: "a-b" is not a name'],
    ['a name that GraphQL reserves', z.object({ __a: z.string() }), 'when.__a: "__a" is not a name'],
    ['an id that is invalid in GraphQL', z.object({ a: z.int() }).meta({ id: 'A b' }), 'when: .*A b'],
    ['values with the same name', z.enum(['in-progress', 'inProgress']), 'when: two values have the same name'],
    ['a value without a name', z.enum(['ok', '1st']), 'when: the value "1st" has no name'],
    ['an id that is a scalar’s', z.enum(['a']).meta({ id: 'DateTime' }), 'when: .*DateTime .*.meta({ id'],
    ['the id JSON', z.enum(['a']).meta({ id: 'JSON' }), 'when: .*JSON'],
  ];

  it.each(refused)('is refused with its file and path: %s', (_, when, expected) => {
    const input = () => schemaOf(jobType(z.object({ when })));
    expect(input).toThrow(StartError);
    expect(input).toThrow(pattern('input', expected));
    const result = () => schemaOf(jobType(plain, z.object({ when })));
    expect(result).toThrow(StartError);
    expect(result).toThrow(pattern('result', expected));
  });

  it('is refused where the id of a result is the name of a type of the API', () => {
    const when = z.object({ a: z.int() }).meta({ id: 'JobStatus' });
    expect(() => schemaOf(jobType(plain, z.object({ when })))).toThrow(pattern('result', 'when: .*JobStatus'));
  });

  it('is refused where two schemas share an id, in one file or in two', () => {
    const one = z.object({ a: z.string() }).meta({ id: 'Twice' });
    const other = z.object({ b: z.string() }).meta({ id: 'Twice' });
    const reason = "is made from another schema too; write .meta({ id: '…' }) with a name of its own behind the schema";
    expect(() => schemaOf(jobType(z.object({ one, list: z.array(other) })))).toThrow(
      new StartError([
        `jobs/x.ts: input.list[]: the GraphQL type SubmittedTwice ${reason}`,
        `jobs/x.ts: input.list[]: the GraphQL type TwiceInput ${reason}`,
      ]),
    );
    expect(() => schemaOf(jobType(plain, one), jobType(plain, other, 'y'))).toThrow(
      new StartError(`jobs/y.ts: result: the GraphQL type Twice ${reason}`),
    );
  });

  it('is refused where only one direction is known of what a result becomes', () => {
    const oneWay = [z.string().transform(Number), z.preprocess(String, z.string())];
    for (const when of oneWay) {
      expect(() => schemaOf(jobType(z.object({ when })))).not.toThrow();
      expect(() => schemaOf(jobType(plain, z.object({ when })))).toThrow(pattern('result', 'when: .*z.codec()'));
    }
  });

  it('is refused with all others, of all files, each with its file and field', () => {
    const one = jobType(
      z.object({ a: z.date(), b: z.array(z.object({ c: z.bigint(), d: z.string(), e: z.map(z.string(), z.int()) })) }),
      z.object({ f: z.set(z.int()) }),
    );
    const other = jobType(z.object({ g: z.tuple([z.int()]) }), plain, 'y');
    const error = catchError(() => schemaOf(one, jobType(plain, plain, 'fine'), other));
    expect(error).toBeInstanceOf(StartError);
    expect(error.message.split('\n').map((line) => line.split(' ', 3).slice(0, 2).join(' '))).toEqual([
      'jobs/x.ts: result.f:',
      'jobs/x.ts: input.a:',
      'jobs/x.ts: input.b[].c:',
      'jobs/x.ts: input.b[].e:',
      'jobs/y.ts: input.g:',
    ]);
  });

  it('is refused with its path alone where no file is known', () => {
    expect(() => toShape(z.date(), 'input', 'input.when')).toThrow(SchemaShapeError);
    const builder = createBuilder();
    const fromZod = createFromZod(builder, addJson(builder), new Set());
    fromZod.input({ schema: z.object({ when: z.date() }), name: 'Name', owner: 'Name', path: 'here' });
    expect(fromZod.takeProblems()).toEqual([expect.stringMatching(/^here\.when: z\.date\(\)/)]);
    expect(fromZod.takeProblems()).toEqual([]);
  });
});

describe('the examples of GraphiQL', () => {
  it('follow the job types that are there', () => {
    const text = z
      .string()
      .min(2)
      .meta({ examples: ['an example'] });
    const input = z.object({
      id: z.string().meta({ examples: ['one "quoted"'] }),
      rows: z.array(z.object({ text, size: z.enum(['a-b', 'c']), count: z.int().min(4), at: z.iso.date() })),
      url: z.url().optional(),
    });
    const type = defineJob({
      name: 'thing',
      collection: 'things',
      description: 'Makes a thing.',
      input,
      result: z.object({ id: z.string(), parts: z.array(plain) }),
      resource: { idOf: ({ id }) => id, find: async () => undefined },
      run: () => ({ id: '1', parts: [] }),
    });
    const registry = createRegistry([{ file: 'thing.ts', type }]);
    const schema = createGraphQLSchema(registry);
    const { operations, query } = createExamples(schema, registry);
    for (const document of [operations, query]) expect(validate(schema, parse(document))).toEqual([]);
    expect(operations).toContain('rows: [{text: "an example", size: A_B, count: 4, at: "2026-03-01"}]');
    expect(operations).toContain('thing(id: "one \\"quoted\\"")');
    expect(query).toContain('... on ThingJob');
  });

  it('have unions, JSON and schemas that contain themselves', () => {
    const node = z.object({
      name: z.string(),
      get children() {
        return z.array(node);
      },
    });
    const union = z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('a-b'), when: isoDatetimeToDate, of: z.enum(['x']) }),
      z.object({ kind: z.literal('c') }),
    ]);
    const json = z.json().meta({ examples: [{ a: [1, 'x', { 'b c': 1, d: null }] }] });
    const type = jobType(
      z.object({
        union,
        list: z.array(union),
        record: z.record(z.string(), z.int()),
        json,
        node,
        n: z.literal([3, 4]),
      }),
    );
    const schema = schemaOf(type);
    const { operations } = createExamples(schema, createRegistry([{ file: 'x.ts', type }]));
    expect(validate(schema, parse(operations))).toEqual([]);
    const member = '{aB: {when: "2026-03-01T12:00:00Z", of: X}}';
    expect(operations).toContain(
      `{union: ${member}, list: [${member}], record: {}, json: {a: [1, "x", {d: null}]}, node: {name: "text", children: []}, n: 3}`,
    );
  });

  it('need no field of a result, and no resource', () => {
    const type = jobType(plain, z.object({ parts: z.array(plain) }));
    const schema = schemaOf(type);
    const { operations, query } = createExamples(schema, createRegistry([{ file: 'x.ts', type }]));
    for (const document of [operations, query]) expect(validate(schema, parse(document))).toEqual([]);
  });
});
