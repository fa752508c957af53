import {
  type GraphQLInputField,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isObjectType,
  lexicographicSortSchema,
  parse,
  printSchema,
  validate,
  validateSchema,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type JobType, defineJob } from '../../src/core/define-job.ts';
import { createRegistry } from '../../src/core/registry.ts';
import { StartError } from '../../src/core/start-error.ts';
import { createExamples } from '../../src/graphql/examples.ts';
import { createBuilder } from '../../src/graphql/builder.ts';
import { createGraphQLSchema } from '../../src/graphql/schema/schema.ts';
import { SchemaShapeError, toShape } from '../../src/graphql/schema/zod-shape.ts';
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
  ])('is the same in the input and in the result for %s', (_, field, expected) => {
    expect([inputType(field), resultType(field)]).toEqual([expected, expected]);
  });

  it.each([
    ['a default', z.string().default('a'), 'String', 'String!'],
    ['text that becomes a boolean', z.stringbool(), 'String!', 'Boolean!'],
    ['text that becomes a number', z.string().transform(Number).pipe(z.int32()), 'String!', 'Int!'],
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
    expect(typesOf(schema, 'SubmitXInInput')).toEqual({ id: 'SafeInt!' });
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

describe('a default value', () => {
  it('is the input field’s', () => {
    expect(inputField(z.string().default('a'))?.defaultValue).toBe('a');
    expect(inputField(z.array(z.int()).default([1]).describe('Numbers.'))?.defaultValue).toEqual([1]);
    expect(inputField(z.enum(['in-progress', 'done']).default('in-progress'))?.defaultValue).toBe('in-progress');
    expect(inputField(z.stringbool().prefault('yes'))?.defaultValue).toBe('yes');
    expect(inputField(z.string().optional())).toMatchObject({ name: 'field', defaultValue: undefined });
  });

  // GraphQL would fill it in where the field is absent, and zod would then refuse it.
  it('is left to zod where the input would not accept it', () => {
    expect(inputField(z.stringbool().default(true))).toMatchObject({ name: 'field', defaultValue: undefined });
  });

  it('is left to zod where it differs each time', () => {
    let calls = 0;
    expect(inputField(z.string().default(() => String((calls += 1))))).toMatchObject({
      name: 'field',
      defaultValue: undefined,
    });
  });
});

describe('a named type', () => {
  const color = z.enum(['red', 'dark-red', 'lightRed']).describe('A color.');
  const sharedColor = color.meta({ id: 'Color' });
  const place = z.object({ city: z.string().describe('In its own language.'), color: sharedColor });
  const sharedPlace = place.meta({ id: 'Place', description: 'Somewhere.' });

  it('is named after the fields that lead to it', () => {
    const nested = z.object({ stops: z.array(z.object({ place: z.object({ city: z.string() }) })).optional() });
    const schema = schemaOf(jobType(nested, nested));
    expect(typesOf(schema, 'SubmitXInput')).toEqual({ stops: '[SubmitXStopsInput!]' });
    expect(typesOf(schema, 'SubmitXStopsInput')).toEqual({ place: 'SubmitXStopsPlaceInput!' });
    expect(typesOf(schema, 'SubmitXStopsPlaceInput')).toEqual({ city: 'String!' });
    expect(typesOf(schema, 'XResult')).toEqual({ stops: '[XResultStops!]' });
    expect(typesOf(schema, 'XResultStopsPlace')).toEqual({ city: 'String!' });
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
    expect(valuesOf('SubmitXList')).toEqual(expected);
    expect(valuesOf('SubmitXLiteral')).toEqual([
      ['ONLY', 'only'],
      ['OTHER', 'other'],
    ]);
  });
});

const pattern = (side: string, expected: string): RegExp =>
  new RegExp(`^jobs/x\\.ts: ${side}\\.${expected.replaceAll(/[()[\]]/g, String.raw`\$&`)}`);

describe('a schema that GraphQL cannot express', () => {
  const node = z.object({
    name: z.string(),
    get children() {
      return z.array(node);
    },
  });
  const lazy: z.ZodType = z.lazy(() => z.object({ children: z.array(lazy) }));
  const refused: [string, z.ZodType, string][] = [
    ['z.date()', z.date(), 'when: z.date() .*z.iso.datetime()'],
    ['z.coerce.date()', z.coerce.date(), 'when: z.date() .*z.iso.datetime()'],
    ['z.bigint()', z.bigint(), 'when: z.bigint() .*z.string()'],
    ['z.record()', z.record(z.string(), z.int()), 'when: z.record() .*list of objects'],
    ['z.map()', z.map(z.string(), z.int()), 'when: z.map() .*list of objects'],
    ['z.set()', z.set(z.string()), 'when: z.set() .*z.array()'],
    ['z.union()', z.union([z.string(), z.int()]), 'when: z.union() .*an object with optional fields'],
    ['z.tuple()', z.tuple([z.string()]), 'when: z.tuple() .*an object'],
    ['z.unknown()', z.unknown(), 'when: z.unknown() '],
    ['z.any()', z.any(), 'when: z.any() '],
    ['z.null()', z.null(), 'when: z.null() '],
    ['a number as z.literal()', z.literal([1, 'a']), 'when: z.literal() '],
    ['an object without fields', z.object({}), 'when: an object without fields'],
    ['z.looseObject()', z.looseObject({ a: z.string() }), 'when: an object with fields of any name'],
    ['z.object().catchall()', z.object({ a: z.int() }).catchall(z.int()), 'when: an object with fields of any name'],
    ['z.lazy()', lazy, 'when: z.lazy() '],
    ['an object in itself', node, 'when.children[]: '],
    ['a schema inside lists and objects', z.array(z.object({ at: z.date().optional() })), 'when[].at: z.date() '],
    ['a name that is invalid in GraphQL', z.object({ 'a-b': z.string() }), 'when.a-b: "a-b" is not a name'],
    ['a name that GraphQL reserves', z.object({ __a: z.string() }), 'when.__a: "__a" is not a name'],
    ['an id that is invalid in GraphQL', z.object({ a: z.int() }).meta({ id: 'A b' }), 'when: .*A b'],
    ['values with the same name', z.enum(['in-progress', 'inProgress']), 'when: two values have the same name'],
    ['a value without a name', z.enum(['ok', '1st']), 'when: the value "1st" has no name'],
    ['an id that is a scalar’s', z.enum(['a']).meta({ id: 'DateTime' }), 'when: .*DateTime'],
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
    const reason = 'is already made from another schema';
    expect(() => schemaOf(jobType(z.object({ one, list: z.array(other) })))).toThrow(
      new StartError(`jobs/x.ts: input.list[]: the GraphQL type SubmittedTwice ${reason}`),
    );
    expect(() => schemaOf(jobType(plain, one), jobType(plain, other, 'y'))).toThrow(
      new StartError(`jobs/y.ts: result: the GraphQL type Twice ${reason}`),
    );
  });

  it('is refused with its path alone where no file is known', () => {
    expect(() => toShape(z.date(), 'input', 'input.when')).toThrow(SchemaShapeError);
    expect(() => createFromZod(createBuilder(), new Set()).input(z.object({ when: z.date() }), 'Name', 'here')).toThrow(
      /^here\.when: z\.date\(\)/,
    );
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

  it('need no field of a result, and no resource', () => {
    const type = jobType(plain, z.object({ parts: z.array(plain) }));
    const schema = schemaOf(type);
    const { operations, query } = createExamples(schema, createRegistry([{ file: 'x.ts', type }]));
    for (const document of [operations, query]) expect(validate(schema, parse(document))).toEqual([]);
  });
});
