import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseInput, parseSubmission } from '../../src/core/input/parse-input.ts';
import { toAccepted, toResultSchema, toStrict } from '../../src/core/input/strict-schema.ts';
import { isoDatetimeToDate, stringToBigInt } from '../../src/core/codecs.ts';
import { type JobDefinition, type JobType, defineJob } from '../../src/core/define-job.ts';
import { type InputIssue, ServiceError } from '../../src/core/errors.ts';
import { fileRef } from '../../src/core/files/file-ref.ts';
import { newJobId, typeOfJobId } from '../../src/core/job-id.ts';
import { createRegistry } from '../../src/core/registry.ts';
import { StartError } from '../../src/core/start-error.ts';

const text = z.object({ text: z.string() });

function jobType(options: Partial<JobDefinition<typeof text, typeof text>> = {}): JobType {
  const description = 'Gives back what it gets.';
  const base = { name: 'echo', collection: 'echoes', description, input: text, result: text };
  return defineJob({ ...base, run: (input) => input, ...options });
}

describe('the registry', () => {
  it('has the job types and their files', () => {
    const echo = jobType();
    const bulk = jobType({ name: 'bulkEcho2', collection: 'bulk-echoes-2' });
    const registry = createRegistry([
      { file: 'src/jobs/echo.ts', type: echo },
      { file: 'dist/jobs/bulk-echo2.js', type: bulk },
    ]);
    expect(registry.types).toEqual([echo, bulk]);
    expect(registry.get('bulkEcho2')).toBe(bulk);
    expect(registry.get('toString')).toBeUndefined();
    expect(registry.fileOf(bulk)).toBe('dist/jobs/bulk-echo2.js');
    expect(echo).toMatchObject({ attempts: 3, backoffSeconds: 1, timeoutSeconds: 60 });
  });

  it.each<[string, Parameters<typeof jobType>[0], string, RegExp]>([
    ['a name in PascalCase', { name: 'Other' }, 'other.ts', /name "Other" is not in camelCase/],
    ['a name in kebab-case', { name: 'my-job' }, 'my-job.ts', /name "my-job" is not in camelCase/],
    ['a name with an underscore', { name: 'my_job' }, 'my_job.ts', /name "my_job" is not in camelCase/],
    ['an empty name', { name: '' }, '.ts', /name "" is not in camelCase/],
    ['a name with a line feed', { name: 'other\n' }, 'other.ts', /name "other\\n" is not in camelCase/],
    ['a name of 41 letters', { name: 'a'.repeat(41) }, `${'a'.repeat(41)}.ts`, /at most 40/],
    ['the name job', { name: 'job' }, 'job.ts', /name "job" is reserved/],
    ['the name jobs', { name: 'jobs' }, 'jobs.ts', /name "jobs" is reserved/],
    ['the name batch', { name: 'batch' }, 'batch.ts', /name "batch" is reserved/],
    ['the name jobStatus', { name: 'jobStatus' }, 'job-status.ts', /name "jobStatus" is reserved/],
    [
      'a name that is already used',
      { collection: 'others' },
      'echo.ts',
      /name "echo" is already used by src\/jobs\/echo\.ts/,
    ],
    [
      'a collection that is already used',
      { name: 'other' },
      'other.ts',
      /collection "echoes" is .* used by src\/jobs\/echo\.ts/,
    ],
    ['a collection in camelCase', { name: 'other', collection: 'otherJobs' }, 'other.ts', /not in kebab-case/],
    [
      'the collection uploads',
      { name: 'other', collection: 'uploads' },
      'other.ts',
      /collection "uploads" is reserved/,
    ],
    [
      'a file that is no field',
      { name: 'other', result: fileRef() as unknown as typeof text },
      'other.ts',
      /result: write z\.object/,
    ],
    [
      'files in a record',
      {
        name: 'other',
        input: z.object({ a: z.object({ b: z.record(z.string(), fileRef()) }) }) as unknown as typeof text,
      },
      'other.ts',
      /input\.a\.b: fileRef\(\) may be in objects/,
    ],
    [
      'files in the result of a type with a resource',
      {
        name: 'other',
        result: z.object({ a: z.array(fileRef()) }) as unknown as typeof text,
        resource: { idOf: () => 'a', find: async () => undefined },
      },
      'other.ts',
      /result: a type with a resource has no fileRef/,
    ],
    ['a collection with a slash', { name: 'other', collection: 'a/b' }, 'other.ts', /not in kebab-case/],
    ['a collection with two hyphens', { name: 'other', collection: 'a--b' }, 'other.ts', /not in kebab-case/],
    ['an empty collection', { name: 'other', collection: '' }, 'other.ts', /not in kebab-case/],
    ['the collection jobs', { name: 'other', collection: 'jobs' }, 'other.ts', /collection "jobs" is reserved/],
    ['the collection batches', { name: 'other', collection: 'batches' }, 'other.ts', /"batches" is reserved/],
    ['the collection operations', { name: 'other', collection: 'operations' }, 'other.ts', /"operations" is reserved/],
    [
      'zero attempts',
      { name: 'other', collection: 'others', attempts: 0 },
      'other.ts',
      /attempts is not a whole number/,
    ],
    [
      'too many attempts',
      { name: 'other', collection: 'others', attempts: 101 },
      'other.ts',
      /attempts is more than 100/,
    ],
    ['a fraction of an attempt', { name: 'other', collection: 'others', attempts: 1.5 }, 'other.ts', /attempts is not/],
    [
      'too many jobs of one caller',
      { name: 'other', collection: 'others', concurrencyPerCaller: 1001 },
      'other.ts',
      /concurrencyPerCaller is more than 1000/,
    ],
    [
      'no job of a caller',
      { name: 'other', collection: 'others', concurrencyPerCaller: 0 },
      'other.ts',
      /concurrencyPerCaller is not a whole number of at least 1/,
    ],
    ['zero concurrency', { name: 'other', collection: 'others', concurrency: 0 }, 'other.ts', /concurrency is not/],
    [
      'a timeout of zero',
      { name: 'other', collection: 'others', timeoutSeconds: 0 },
      'other.ts',
      /timeoutSeconds is not between/,
    ],
    [
      'an infinite timeout',
      { name: 'other', collection: 'others', timeoutSeconds: Infinity },
      'other.ts',
      /timeoutSeconds is/,
    ],
    [
      'a timeout that is not a number',
      { name: 'other', collection: 'others', timeoutSeconds: NaN },
      'other.ts',
      /timeoutSeconds is/,
    ],
    [
      'a negative delay',
      { name: 'other', collection: 'others', backoffSeconds: -1 },
      'other.ts',
      /backoffSeconds is not/,
    ],
  ])('refuses %s and names the file', (_, options, file, reason) => {
    const first = { file: 'src/jobs/echo.ts', type: jobType() };
    const start = () => createRegistry([first, { file: `src/jobs/${file}`, type: jobType(options) }]);
    expect(start).toThrow(StartError);
    expect(start).toThrow(reason);
    expect(start).toThrow(expect.objectContaining({ message: expect.stringContaining(`src/jobs/${file}: `) }));
  });

  it.each([
    [{ name: 'others', collection: 'all-others' }, { collection: 'others' }],
    [{ collection: 'batch-1' }, { name: 'other', collection: 'batch1' }],
    [{ collection: 'echo' }],
  ])('refuses collections of which the batches would have the mutation of something else: %j', (...types) => {
    const files = types.map((options, index) => ({ file: `${index}.ts`, type: jobType(options) }));
    expect(() => createRegistry(files)).toThrow(
      /^\d\.ts: the collection "[\w-]+" names batches submit\w+, as the .* does/,
    );
  });

  it('rejects an empty list of job types', () => {
    expect(() => createRegistry([])).toThrow(new StartError('no job types: at least one is needed'));
  });
});

describe('a job’s id', () => {
  it.each(['a', 'bookImport', 'x'.repeat(40)])(
    'starts with the job type %s, and is safe in URLs and store keys',
    (type) => {
      const ids = Array.from({ length: 1000 }, () => newJobId(type));
      expect(new Set(ids).size).toBe(1000);
      for (const id of ids) {
        expect(id).toMatch(/^[A-Za-z0-9_.~-]{1,64}$/);
        expect(typeOfJobId(id)).toBe(type);
      }
    },
  );

  it('is not valid without a job type', () => {
    const random = newJobId('echo').slice('echo_'.length);
    const none = ['', 'echo', `_${random}`, random, `echo_${random}A`, `echo_${random.slice(1)}`, `Echo_${random}`];
    for (const id of [
      ...none,
      `echo:${random}`,
      `echo_${random}\n`,
      `${'x'.repeat(41)}_${random}`,
      `../echo_${random}`,
    ]) {
      expect(typeOfJobId(id)).toBeUndefined();
    }
  });
});

/** The paths of the issues in an input. */
function issuesOf(schema: z.ZodType, input: unknown): readonly InputIssue[] {
  try {
    parseInput(schema, input);
    return [];
  } catch (error) {
    if (error instanceof ServiceError && error.problem === 'invalid-input') return error.issues;
    throw error;
  }
}
const pathsOf = (schema: z.ZodType, input: unknown): string[] =>
  issuesOf(schema, input).map(({ path }) => path.join('.'));

describe('a strict schema', () => {
  const inner = z.object({ a: z.string().optional() });
  const members = [z.object({ k: z.literal('a'), i: inner }), z.object({ k: z.literal('b') })] as const;
  const union = z.discriminatedUnion('k', members);
  const plainUnion = z.union(members);
  it.each<[string, z.ZodType, unknown, string]>([
    ['an object', inner, { z: 1 }, 'z'],
    ['a field', z.object({ f: inner }), { f: { z: 1 } }, 'f.z'],
    ['a list', z.object({ f: z.array(inner) }), { f: [{}, { z: 1 }] }, 'f.1.z'],
    ['an optional list', z.object({ f: z.array(inner).optional() }), { f: [{ z: 1 }] }, 'f.0.z'],
    ['a nullable field', z.object({ f: inner.nullable() }), { f: { z: 1 } }, 'f.z'],
    ['a field with a default', z.object({ f: inner.default({}) }), { f: { z: 1 } }, 'f.z'],
    ['a read-only field', z.object({ f: inner.readonly() }), { f: { z: 1 } }, 'f.z'],
    ['a field that is transformed', z.object({ f: inner.transform(({ a }) => a) }), { f: { z: 1 } }, 'f.z'],
    ['a field with a check', z.object({ f: inner.refine(() => true) }), { f: { z: 1 } }, 'f.z'],
    ['an object in lists of lists', z.object({ f: z.array(z.array(inner)) }), { f: [[{ z: 1 }]] }, 'f.0.0.z'],
    ['an object inside a loose one', z.looseObject({ f: inner }), { f: { z: 1 }, any: 1 }, 'f.z'],
    ['a record', z.object({ f: z.record(z.string(), inner) }), { f: { a: { z: 1 } } }, 'f.a.z'],
    [
      'a record of some names',
      z.object({ f: z.partialRecord(z.enum(['a', 'b']), inner) }),
      { f: { a: { z: 1 } } },
      'f.a.z',
    ],
    ['a lazy field', z.object({ f: z.lazy(() => inner) }), { f: { z: 1 } }, 'f.z'],
    ['a member of a union', z.object({ f: union }), { f: { k: 'a', i: { z: 1 } } }, 'f.i.z'],
    ['a member that is told apart by a literal', z.object({ f: plainUnion }), { f: { k: 'b', z: 1 } }, 'f.z'],
    ['a field with an inherited name', z.object({ f: inner }), { f: JSON.parse('{"__proto__": 1}') }, 'f.__proto__'],
  ])('refuses an unknown field in %s', (_, schema, input, path) => {
    expect(schema.safeParse(input).success).toBe(true);
    expect(pathsOf(toStrict(schema), input)).toEqual([path]);
  });

  it('does not change an object that declares how to treat unknown fields', () => {
    expect(toStrict(z.looseObject({ a: z.int() })).parse({ a: 1, b: 2 })).toEqual({ a: 1, b: 2 });
    expect(toStrict(z.object({ a: z.int() }).catchall(z.int())).parse({ a: 1, b: 2 })).toEqual({ a: 1, b: 2 });
    expect(pathsOf(toStrict(z.object({ a: z.int() }).catchall(z.int())), { a: 1, b: 'c' })).toEqual(['b']);
  });

  it('keeps checks, defaults and transforms, and does not change the original schema', () => {
    const period = z.object({ from: z.int(), to: z.int().default(9) }).refine(({ from, to }) => from <= to, 'Not so');
    const schema = z.object({ list: z.array(period.transform(({ from, to }) => to - from)).min(1) });
    const strict = toStrict(schema);
    expect(strict.parse({ list: [{ from: 1 }] })).toEqual({ list: [8] });
    expect(issuesOf(strict, { list: [{ from: 10 }] })).toEqual([{ path: ['list', 0], message: 'Not so' }]);
    expect(pathsOf(strict, { list: [] })).toEqual(['list']);
    expect(schema.parse({ list: [{ from: 1, z: 1 }] })).toEqual({ list: [8] });
  });

  it('takes null for an absent value where the field may be absent, unless null means something there', () => {
    const strict = toStrict(
      z.object({
        optional: z.string().optional(),
        exact: z.string().exactOptional(),
        size: z.int().default(3),
        list: z.array(z.int()).prefault([1]),
        nullable: z.string().nullable().optional(),
        inside: z.object({ text: z.string().optional() }),
      }),
    );
    const input = { optional: null, exact: null, size: null, list: null, nullable: null, inside: { text: null } };
    expect(strict.parse(input)).toEqual({ size: 3, list: [1], nullable: null, inside: {} });
    expect(pathsOf(strict, { inside: null })).toEqual(['inside']);
  });

  it('takes an absent value for null where the field may be null, and not absent', () => {
    const strict = toStrict(
      z.object({
        a: z.string().nullable(),
        b: z.json(),
        c: z.unknown(),
        d: z.any(),
        e: z.string().nullable().optional(),
      }),
    );
    const nulls = { a: null, b: null, c: null, d: null };
    expect(strict.parse({})).toStrictEqual(nulls);
    expect(strict.parse({ ...nulls, e: null })).toStrictEqual({ ...nulls, e: null });
    expect(pathsOf(strict, { a: 1, e: 1 })).toEqual(['a', 'e']);
  });

  it.each([
    ['at most', z.string().max(3), '😀😀😀', '😀😀😀😀', 'Too big: expected string to have <=3 characters'],
    ['at least', z.string().min(3), '😀😀😀', '😀😀', 'Too small: expected string to have >=3 characters'],
    ['exactly', z.string().length(3), '😀😀😀', '😀😀', 'Too small: expected string to have exactly 3 characters'],
    ['at most, in its own words,', z.string().max(1, 'One, please'), '😀', 'ab', 'One, please'],
  ])('counts code points where a text has %s so many', (_, bounded, fits, doesNot, message) => {
    const inputSchema = toStrict(z.object({ list: z.array(bounded.trim()) }));
    expect(issuesOf(inputSchema, { list: [fits] })).toEqual([]);
    expect(issuesOf(inputSchema, { list: [doesNot] })).toEqual([{ path: ['list', 0], message }]);
    const resultSchema = toResultSchema(z.object({ list: z.array(z.string().pipe(bounded)) }));
    expect(issuesOf(resultSchema, { list: [fits] })).toEqual([]);
    expect(issuesOf(resultSchema, { list: [doesNot] })).toEqual([{ path: ['list', 0], message }]);
  });

  it('does not parse the items of a list that is too long, nor those after the 20th issue', () => {
    let parsed = 0;
    const item = z.unknown().refine(() => (parsed += 1) < 0, 'No');
    const strict = toStrict(z.object({ lists: z.array(z.array(item).max(1000)) }));
    expect(issuesOf(strict, { lists: [Array(1001).fill(1)] })).toEqual([
      { path: ['lists', 0], message: 'Too big: expected array to have <=1000 items' },
    ]);
    expect(parsed).toBe(0);
    const issues = issuesOf(strict, { lists: [Array(1000).fill(1), Array(1000).fill(1)] });
    expect(issues).toEqual(Array.from({ length: 20 }, (_, index) => ({ path: ['lists', 0, index], message: 'No' })));
    expect(parsed).toBe(20);
  });

  it.each([
    ['z.discriminatedUnion()', union],
    ['z.union() of objects with different literals', plainUnion],
  ])('checks the member of %s that is meant', (_, either) => {
    const strict = toStrict(z.object({ f: either }));
    expect(strict.parse({ f: { k: 'a', i: { a: null } } })).toEqual({ f: { k: 'a', i: {} } });
    expect(pathsOf(strict, { f: { k: 'a', i: { a: 1 } } })).toEqual(['f.i.a']);
    for (const k of ['c', 'ä', '__proto__', 'constructor', null, { a: 1 }, undefined])
      expect(pathsOf(strict, { f: { k } })).toEqual(['f.k']);
    for (const f of [null, 'a', []]) expect(pathsOf(strict, { f })).toEqual(['f']);
    expect(issuesOf(strict, { f: { k: 'c' } })[0]?.message).toBe("Invalid discriminator value. Expected 'a' | 'b'");
  });

  it('keeps the checks of unions, records and JSON', () => {
    const no = 'Not so';
    const strict = toStrict(
      z.object({
        union: plainUnion.refine(({ k }) => k === 'b', no),
        record: z.record(z.string(), z.int()).refine((record) => Object.keys(record).length < 2, no),
        json: z.json().refine((value) => value !== 3, no),
      }),
    );
    expect(pathsOf(strict, { union: { k: 'b' }, record: { a: 1 }, json: null })).toEqual([]);
    expect(issuesOf(strict, { union: { k: 'a', i: {} }, record: { a: 1, b: 2 }, json: 3 })).toEqual(
      ['union', 'record', 'json'].map((name) => ({ path: [name], message: no })),
    );
  });

  it('does not parse the entries of a record after the 20th issue', () => {
    let parsed = 0;
    const value = z.unknown().refine(() => (parsed += 1) < 0, 'No');
    const record = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`k${index}`, 1]));
    expect(issuesOf(toStrict(z.object({ record: z.record(z.string(), value) })), { record })).toEqual(
      Array.from({ length: 20 }, (_, index) => ({ path: ['record', `k${index}`], message: 'No' })),
    );
    expect(parsed).toBe(20);
  });

  it('reads a record with the names that it has', () => {
    const strict = toStrict(z.object({ record: z.record(z.string().regex(/^[a-z]+$/), z.int().optional()) }));
    const record = { a: 1, constructor: 2, tostring: null };
    expect(strict.parse({ record })).toEqual({ record: { a: 1, constructor: 2, tostring: undefined } });
    expect(pathsOf(strict, { record: { 'A b': 1, c: 'd' } })).toEqual(['record.A b', 'record.c']);
    for (const wrong of [[], 'a', null, 1]) expect(pathsOf(strict, { record: wrong })).toEqual(['record']);
  });

  it('follows a schema that contains itself, and is the same one inside, so that zod compiles it once', () => {
    const tree = z.object({
      get children() {
        return z.array(tree).max(2).optional();
      },
      get first() {
        return tree.optional();
      },
    });
    const strict = toStrict(z.object({ tree }));
    const deep = (levels: number): object =>
      levels === 0 ? { x: 1 } : { children: [{}, { first: deep(levels - 1) }] };
    for (const levels of [1, 20]) {
      const path = `tree${'.children.1.first'.repeat(levels)}.x`;
      expect(pathsOf(strict, { tree: deep(levels) })).toEqual([path]);
    }
    expect(pathsOf(strict, { tree: { first: { children: [{}, {}, {}] } } })).toEqual(['tree.first.children']);
    // Null counts as absent there, which a pipe sees to.
    const first: z.ZodType = strict.shape.tree.shape.first;
    expect(first).toMatchObject({ def: { type: 'pipe', out: { def: { type: 'optional' } } } });
    expect(first instanceof z.ZodPipe && first.out instanceof z.ZodOptional && first.out.unwrap()).toBe(
      strict.shape.tree,
    );
  });

  it('follows a lazy schema that contains itself', () => {
    const lazy: z.ZodType = z.lazy(() => z.object({ of: z.array(lazy) }));
    const strict = toStrict(z.object({ lazy }));
    expect(pathsOf(strict, { lazy: { of: [{ of: [] }, { of: [{ of: [], x: 1 }] }] } })).toEqual(['lazy.of.1.of.0.x']);
  });

  it('takes JSON of 100 levels with finite numbers, and refuses a function, a cycle and more', () => {
    const schema = z.object({ json: z.json() });
    const nested = (levels: number): unknown => JSON.parse(`${'['.repeat(levels)}1${']'.repeat(levels)}`);
    const cycle: unknown[] = [];
    cycle.push(cycle);
    for (const adapted of [toStrict(schema), toResultSchema(schema)]) {
      const pathsIn = (value: unknown) => adapted.safeParse(value).error?.issues.map(({ path }) => path) ?? [];
      expect(pathsIn({ json: { a: [null, 'b', nested(98)] } })).toEqual([]);
      for (const json of [
        nested(101),
        nested(10_000),
        cycle,
        Infinity,
        NaN,
        [undefined],
        new Date(0),
        { a: () => 1 },
        1n,
      ])
        expect(pathsIn({ json })).toEqual([['json']]);
    }
    expect(toResultSchema(schema).safeParse({}).success).toBe(false);
  });

  it('decodes what codecs encode', () => {
    const strict = toStrict(z.object({ at: isoDatetimeToDate.optional(), big: stringToBigInt }));
    const at = '2026-03-01T12:00:00+01:00';
    expect(strict.parse({ at, big: '-12345678901234567890' })).toEqual({
      at: new Date('2026-03-01T11:00:00Z'),
      big: -12345678901234567890n,
    });
    expect(strict.parse({ at: null, big: '1' })).toEqual({ big: 1n });
    expect(pathsOf(strict, { at: '2026-02-30T00:00:00Z', big: '1.5' })).toEqual(['at', 'big']);
    expect(pathsOf(strict, { at: 0, big: '1'.repeat(1001) })).toEqual(['at', 'big']);
  });

  it('gives each input its own copy of a default', () => {
    let calls = 0;
    const strict = toStrict(
      z.object({ list: z.array(z.int()).default([]), count: z.int().default(() => (calls += 1)) }),
    );
    const first = strict.parse({});
    first.list.push(1);
    const second = strict.parse({});
    expect(second.list).toEqual([]);
    expect(second.count).toBe(first.count + 1);
  });
});

describe('the schema of an accepted input', () => {
  it('drops unknown fields at every depth, also where the author refuses them, and keeps those that the author wants', () => {
    const inner = z.strictObject({ n: z.int() });
    const schema = z.strictObject({ list: z.array(inner.refine(() => true)), any: z.looseObject({ f: inner }) });
    const accepted = toAccepted(schema);
    const input = { list: [{ n: 1, newer: 2 }], any: { f: { n: 3, newer: 4 }, more: 5 }, newer: 6 };
    expect(accepted.parse(input)).toEqual({ list: [{ n: 1 }], any: { f: { n: 3 }, more: 5 } });
    expect(accepted.safeParse({ list: [{ n: 'x' }], any: { f: { n: 1 } } }).success).toBe(false);
  });

  it('refuses unknown fields where the author has said what becomes of them', () => {
    const accepted = toAccepted(z.object({ rows: z.array(z.object({ n: z.int() }).catch({ n: 0 })) }));
    expect(accepted.parse({ rows: [{ n: 1, newer: 2 }, { n: 3 }] })).toEqual({ rows: [{ n: 0 }, { n: 3 }] });
  });
});

describe('parseInput', () => {
  const schema = toStrict(z.object({ name: z.string(), list: z.array(z.object({ n: z.int() })).default([]) }));

  it('refuses unstorable text in a field that is named like a method', () => {
    expect(issuesOf(schema, { name: 'x', list: [], toString: '\u0000' })).toHaveLength(1);
  });

  it('accepts a valid input', () => {
    expect(issuesOf(schema, { name: 'ü 😀', list: [{ n: 1 }] })).toEqual([]);
  });

  it('reports the path of each issue', () => {
    const issues = issuesOf(schema, { list: [{ n: 1 }, { n: 'two', x: 1, y: 2 }], z: 1 });
    expect(issues.map(({ path }) => path)).toEqual([
      ['name'],
      ['list', 1, 'n'],
      ['list', 1, 'x'],
      ['list', 1, 'y'],
      ['z'],
    ]);
    expect(issues[4]).toEqual({ path: ['z'], message: 'Unknown field' });
    expect(() => parseInput(schema, { name: 'a', z: 1 })).toThrow(/^z: Unknown field$/);
    for (const input of [undefined, null, 'text', []]) expect(pathsOf(schema, input)).toEqual(['']);
  });

  it('reports at most 20 issues', () => {
    const manyFields = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`field${index}`, 1]));
    expect(issuesOf(schema, { name: 'a', list: Array.from({ length: 30 }, () => ({ n: 'x' })) })).toHaveLength(20);
    expect(issuesOf(schema, { name: 'a', ...manyFields })).toHaveLength(20);
    expect(issuesOf(z.array(z.string()), Array(30).fill('\u0000'))).toHaveLength(20);
  });

  it.each(['\u0000', 'a\u0000b', '\ud800', 'a\udc00', '\udc00\ud800'])('rejects the string %j at any place', (bad) => {
    const message = expect.stringContaining('U+0000 or a lone surrogate');
    expect(issuesOf(schema, { name: bad })).toEqual([{ path: ['name'], message }]);
    const deep = z.object({ list: z.array(z.object({ text: z.string() })) });
    const input = { list: [{ text: 'ok' }, { text: bad }, { text: bad }] };
    expect(pathsOf(deep, input)).toEqual(['list.1.text', 'list.2.text']);
    expect(pathsOf(z.string(), bad)).toEqual(['']);
    expect(pathsOf(z.record(z.string(), z.int()), { [bad]: 1 })).toEqual([bad]);
  });

  it('replaces such text in a record and in a lazy schema too, and in no other place of those', () => {
    const caught = z.string().max(3).catch('');
    const input = z.object({
      record: z.record(z.string(), caught),
      lazy: z.lazy(() => z.object({ caught, text: z.string() })),
    });
    const type = { input, strictInput: toStrict(input) };
    expect(parseSubmission(type, { record: { a: '\ud800' }, lazy: { caught: '\u0000', text: '' } }).storable).toEqual({
      record: { a: '\ufffd' },
      lazy: { caught: '\ufffd', text: '' },
    });
    expect(() => parseSubmission(type, { record: {}, lazy: { caught: '', text: '\u0000' } })).toThrow(/^lazy\.text: /);
  });

  it('replaces such text where the schema takes any value', () => {
    const row = z.strictObject({ name: z.string() });
    const caught = z.object({ rows: z.array(row.catch({ name: '' })).optional(), other: z.string().optional() });
    const type = { input: caught, strictInput: toStrict(caught) };
    const rows = [{ name: 'a\ud800' }, { 'b\u0000': ['\udc00'] }, 'c'];
    expect(parseSubmission(type, { rows })).toEqual({
      parsed: { rows: [{ name: 'a\ud800' }, { name: '' }, { name: '' }] },
      storable: { rows: [{ name: 'a\ufffd' }, { 'b\ufffd': ['\ufffd'] }, 'c'] },
    });
    const manyBad = Array.from({ length: 30 }, () => ({ name: '\ud800' }));
    expect(() => parseSubmission(type, { rows: manyBad, other: '\ud800' })).toThrow(/^other: Invalid text/);
  });
});
