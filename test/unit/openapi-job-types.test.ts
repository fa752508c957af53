import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { isoDatetimeToDate, stringToBigInt } from '../../src/core/codecs.ts';
import { type JobType, defineJob } from '../../src/core/define-job.ts';
import { createRegistry } from '../../src/core/registry.ts';
import { StartError } from '../../src/core/start-error.ts';
import { createOpenApi } from '../../src/rest/openapi/document.ts';

const plain = z.object({ ok: z.boolean() });

function catchError(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  return expect.fail('nothing was thrown');
}

function jobType(
  parts: { name?: string; input?: z.ZodObject; result?: z.ZodObject; resource?: boolean } = {},
): JobType {
  const { name = 'x', input = plain, result = plain, resource = false } = parts;
  return defineJob({
    name,
    collection: `${name.toLowerCase()}s`,
    description: 'Does what its name says.',
    input,
    result,
    ...(resource && { resource: { idOf: () => '1', find: async () => undefined } }),
    run: () => ({}),
  });
}

function documentOf(...types: JobType[]) {
  return createOpenApi(
    createRegistry(
      types.map((type) => ({ file: `jobs/${type.name.replaceAll(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}.ts`, type })),
    ),
  );
}

describe('a job type', () => {
  it('has its operations, its components and its descriptions in the document', () => {
    const parcel = z
      .object({ to: z.string().describe('A town.'), grams: z.int().min(1).default(500) })
      .meta({ id: 'Parcel' });
    const document = documentOf(
      jobType({ name: 'parcelLabel', input: z.object({ parcel }), result: parcel, resource: true }),
    );
    expect(document.paths['/api/parcellabels']?.post).toMatchObject({
      operationId: 'submitParcelLabel',
      description: expect.stringContaining('Does what its name says.'),
      tags: ['parcellabels'],
    });
    expect(document.paths['/api/parcellabels/{id}']?.get?.operationId).toBe('getParcelLabel');
    expect(document.tags).toContainEqual({ name: 'parcellabels', description: 'Does what its name says.' });

    // Input may omit a field with a default, and has no other fields; output always has it.
    expect(document.components.schemas).toMatchObject({
      SubmitParcelLabelInput: {
        properties: { parcel: { $ref: '#/components/schemas/Parcel' } },
        additionalProperties: false,
      },
      Parcel: {
        properties: {
          to: { type: 'string', description: 'A town.' },
          grams: { type: 'integer', minimum: 1, default: 500 },
        },
        required: ['to'],
        additionalProperties: false,
      },
      ParcelOutput: { required: ['to', 'grams'] },
      ParcelLabelJob: { allOf: [{ $ref: '#/components/schemas/Job' }], properties: { type: { const: 'parcelLabel' } } },
    });
    expect(document.components.schemas['ParcelOutput']).not.toHaveProperty('additionalProperties');
    expect(document.components.schemas['Job']).toMatchObject({
      discriminator: { mapping: { parcelLabel: '#/components/schemas/ParcelLabelJob' } },
    });
  });

  it('without a resource has no resource path', () => {
    expect(documentOf(jobType()).paths).not.toHaveProperty('/api/xs/{id}');
  });

  const objectSchema = z.object({ properties: z.record(z.string(), z.unknown()) });
  /** The JSON Schema of one field, as input and as output. */
  const fieldSchemas = (field: z.ZodType): unknown[] => {
    const { schemas } = documentOf(jobType({ input: z.object({ field }), result: z.object({ field }) })).components;
    return [schemas['SubmitXInput'], schemas['XResult']].map(
      (schema) => objectSchema.parse(schema).properties['field'],
    );
  };

  it.each([
    ['a date and time in UTC', z.iso.datetime(), { type: 'string', format: 'date-time', pattern: 'Z$' }],
    ['a date and time', z.iso.datetime({ offset: true }), { type: 'string', format: 'date-time' }],
    ['a date', z.iso.date(), { type: 'string', format: 'date' }],
    ['an integer', z.int(), { type: 'integer' }],
    ['a nullable value', z.url().nullable(), { type: ['string', 'null'], format: 'uri' }],
    ['a nullable enum', z.enum(['a']).nullable(), { anyOf: [{ type: 'string', enum: ['a'] }, { type: 'null' }] }],
    ['a pattern', z.string().regex(/^a+$/), { type: 'string', pattern: '^a+$' }],
    [
      'a pattern with a flag that JSON Schema lacks',
      z.string().regex(/^a+$/i).max(9),
      { type: 'string', maxLength: 9 },
    ],
    ['one such pattern of two', z.string().regex(/^a+$/i).regex(/b/), { type: 'string', allOf: [{ pattern: 'b' }] }],
    ['a pattern that is invalid with the flag u', z.string().regex(new RegExp(String.raw`\-`)), { type: 'string' }],
  ])('describes the JSON value: %s', (_, field, expected) => {
    expect(fieldSchemas(field)).toEqual([expected, expected]);
  });

  it('states a default if it is a constant', () => {
    let calls = 0;
    expect(fieldSchemas(z.string().default('a'))[0]).toEqual({ type: 'string', default: 'a' });
    expect(fieldSchemas(z.string().default(() => String((calls += 1))))[0]).toEqual({ type: 'string' });
    expect(fieldSchemas(z.stringbool().default(true))[0]).toEqual({ type: 'string' });
  });

  const inList = (when: z.ZodType): z.ZodObject => z.object({ list: z.array(z.object({ when })) });

  it.each([
    ['z.date()', z.date(), 'z.date() is not JSON; write isoDatetimeToDate'],
    ['z.bigint()', z.bigint().optional(), 'z.bigint() is not JSON; write stringToBigInt'],
    ['z.map()', z.map(z.string(), z.int()).nullable(), 'z.map() is not JSON; write z.record('],
    ['z.custom()', z.custom<string>(), 'z.custom() and z.instanceof() say nothing about JSON'],
  ])('that JSON cannot carry stops the start with its file and field: %s', (_, when, reason) => {
    for (const side of ['input', 'result']) {
      const error = catchError(() => documentOf(jobType({ [side]: inList(when) })));
      expect(error).toBeInstanceOf(StartError);
      expect(error.message).toContain(`jobs/x.ts: ${side}.list[].when: ${reason}`);
    }
  });

  it('stops the start with all its problems, and those of the others', () => {
    const one = jobType({ input: z.object({ a: z.date(), b: z.record(z.string(), z.set(z.int())) }) });
    const other = jobType({
      name: 'other',
      result: z.object({ c: z.tuple([z.bigint()]), d: z.string().transform(Number) }),
    });
    const { message } = catchError(() => documentOf(one, jobType({ name: 'fine' }), other));
    expect(message.split('\n').map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'jobs/x.ts: input.a:',
      'jobs/x.ts: input.b[]:',
      'jobs/other.ts: result.c[]:',
      'jobs/other.ts: result.d:',
    ]);
  });

  it('stops the start with the names of all files that are used twice', () => {
    const when = (id: string) => z.object({ when: z.object({ a: z.int() }).meta({ id }) });
    const { message } = catchError(() =>
      documentOf(
        jobType({ result: when('Problem') }),
        jobType({ name: 'fine' }),
        jobType({ name: 'other', result: when('Job') }),
      ),
    );
    expect(message.split('\n')).toEqual([
      expect.stringMatching(/^jobs\/x\.ts: .*Problem/),
      expect.stringMatching(/^jobs\/other\.ts: .*Job/),
    ]);
  });

  it('describes what callers send and read of a codec, on both sides', () => {
    const codec = isoDatetimeToDate.meta({ description: 'When.', examples: ['2026-03-01T12:00:00Z'] });
    const set = z.codec(z.array(z.object({ a: z.int() }).describe('Inside.')), z.set(z.unknown()), {
      decode: (list) => new Set<unknown>(list),
      encode: () => [],
    });
    expect(fieldSchemas(codec)[1]).toEqual({
      type: 'string',
      format: 'date-time',
      description: 'When.',
      examples: ['2026-03-01T12:00:00Z'],
    });
    const text = { type: 'string', pattern: String.raw`^-?\d{1,1000}$` };
    expect(fieldSchemas(stringToBigInt)).toEqual([text, text]);
    const list = { type: 'array', items: { properties: { a: {} } } };
    expect(fieldSchemas(set)).toMatchObject([list, list]);
  });

  it('describes unions, records and JSON', () => {
    const union = z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('a'), n: z.int() }).meta({ id: 'A' }),
      z.object({ kind: z.literal('b') }).meta({ id: 'B' }),
    ]);
    expect(fieldSchemas(union)[0]).toEqual({
      type: 'object',
      oneOf: [{ $ref: '#/components/schemas/A' }, { $ref: '#/components/schemas/B' }],
      discriminator: {
        propertyName: 'kind',
        mapping: { a: '#/components/schemas/A', b: '#/components/schemas/B' },
      },
    });
    expect(fieldSchemas(z.record(z.string(), z.int()))[1]).toEqual({
      type: 'object',
      propertyNames: { type: 'string' },
      additionalProperties: { type: 'integer' },
    });
    const json = { $ref: '#/components/schemas/JSON' };
    expect(fieldSchemas(z.json())).toEqual([json, json]);
    expect(fieldSchemas(z.json().describe('Any.'))).toMatchObject([json, json]);
    const { schemas } = documentOf(
      jobType({ input: z.object({ a: z.json() }), result: z.object({ b: z.json() }) }),
    ).components;
    expect(schemas['JSON']).toMatchObject({ anyOf: expect.arrayContaining([{ type: 'array', items: json }]) });
    expect(Object.keys(schemas).filter((name) => name.startsWith('__'))).toEqual([]);
  });

  it('describes a schema that contains itself by its id, or by the fields that lead to it', () => {
    const node = z.object({
      name: z.string().default(''),
      get children() {
        return z.array(node);
      },
    });
    const lazy: z.ZodType = z.lazy(() => z.object({ of: z.array(lazy) }));
    const named = z
      .object({
        get inner() {
          return named.optional();
        },
      })
      .meta({ id: 'Named' });
    const input = z.object({ nodes: z.array(node), lazy, named });
    const { schemas } = documentOf(jobType({ input, result: z.object({ node }) })).components;
    expect(schemas).toMatchObject({
      SubmitXInput: {
        properties: {
          nodes: { items: { $ref: '#/components/schemas/XNode' } },
          lazy: { $ref: '#/components/schemas/XLazy' },
          named: { $ref: '#/components/schemas/Named' },
        },
      },
      XNode: { properties: { children: { items: { $ref: '#/components/schemas/XNode' } } }, required: ['children'] },
      XLazy: { properties: { of: { items: { $ref: '#/components/schemas/XLazy' } } } },
      Named: { properties: { inner: { $ref: '#/components/schemas/Named' } } },
      XResult: { properties: { node: { $ref: '#/components/schemas/XNodeOutput' } } },
      XNodeOutput: { required: ['name', 'children'] },
    });
    expect(
      Object.keys(schemas)
        .filter((name) => /^(X(Node|Lazy|Result)|Named|__)/.test(name))
        .toSorted(),
    ).toEqual(['Named', 'XLazy', 'XNode', 'XNodeOutput', 'XResult']);
    expect(JSON.stringify(schemas)).not.toContain('x-name');
    expect(JSON.stringify(documentOf(jobType({ input: z.object({ named }) })))).not.toContain('x-name');
    const ofResult = documentOf(jobType({ result: z.object({ nodes: z.array(node) }) })).components.schemas;
    expect(ofResult).toMatchObject({ XResultNode: { required: ['name', 'children'] } });
    expect(ofResult).not.toHaveProperty('XResultNodeOutput');
  });

  it('lists no field as required that may be null, because absent counts as null', () => {
    const input = z.object({ a: z.string(), b: z.string().nullable(), c: z.json(), d: z.unknown() });
    const { schemas } = documentOf(jobType({ input, result: input })).components;
    expect(schemas['SubmitXInput']).toMatchObject({ required: ['a'] });
    expect(schemas['XResult']).toMatchObject({ required: ['a', 'b', 'c', 'd'] });
    const none = documentOf(jobType({ input: z.object({ b: z.string().nullable() }) })).components.schemas;
    expect(none['SubmitXInput']).not.toHaveProperty('required');
  });

  it.each(['XJob', 'SubmittedXJob'])('cannot use the id of one of its own schemas: %s', (id) => {
    const when = z.object({ a: z.int() }).meta({ id });
    expect(() => documentOf(jobType({ input: inList(when) }))).toThrow(
      new StartError(`jobs/x.ts: the OpenAPI schema ${id} exists twice`),
    );
  });

  it('cannot have a schema whose id is invalid in OpenAPI', () => {
    const when = z.object({ a: z.int() }).meta({ id: 'A b' });
    expect(() => documentOf(jobType({ result: inList(when) }))).toThrow(
      new StartError('jobs/x.ts: "A b" is not a name for an OpenAPI schema'),
    );
  });

  it('whose schema id is already used stops the start with its file', () => {
    const when = z.object({ a: z.int() }).meta({ id: 'Problem' });
    expect(() => documentOf(jobType({ result: inList(when) }))).toThrow(/^jobs\/x\.ts: Duplicate schema id "Problem"/);
  });

  it('whose operation id is already used stops the start with its file', () => {
    expect(() => documentOf(jobType({ name: 'jobResult', resource: true }))).toThrow(
      new StartError('jobs/job-result.ts: the OpenAPI operation getJobResult exists twice'),
    );
  });
});
