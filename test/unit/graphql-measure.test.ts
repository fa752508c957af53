import { assertObjectType, buildSchema, getIntrospectionQuery, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createMeasure, measureIntrospection } from '../../src/graphql/plugins/measure.ts';

const schema = buildSchema(`
  type Query { jobs(first: Int): Page!  job: Job }
  type Page { nodes: [Job!]! }
  type Job { id: ID!  history: [Attempt!]! }
  type Attempt { code: String }
`);

const measureDocument = createMeasure(schema);
const measure = (query: string) => measureDocument(parse(query));
const cost = (query: string): number => measure(query).cost;
const fragmentsThatDouble = (end: string): string =>
  `${Array.from({ length: 40 }, (_, i) => `fragment f${i} on Job { ...f${i + 1} ...f${i + 1} }`).join(' ')} fragment f40 on Job { ${end} }`;

describe('the cost of an operation', () => {
  it.each([
    ['counts a field once', '{ job { id } }', 2],
    ['multiplies by the page size', '{ jobs(first: 7) { nodes { id } } }', 1 + 1 + 7],
    ['assumes the default page size', '{ jobs { nodes { id } } }', 1 + 1 + 20],
    ['bounds the page size as the API does', '{ jobs(first: 5000) { nodes { id } } }', 1 + 1 + 100],
    ['assumes the largest page for a variable', 'query ($n: Int) { jobs(first: $n) { nodes { id } } }', 1 + 1 + 100],
    ['takes an empty page for one job', '{ jobs(first: 0) { nodes { id } } }', 1 + 1 + 1],
    ['takes a negative page for one job', '{ jobs(first: -99) { nodes { id } } }', 1 + 1 + 1],
    ['assumes the largest page for null', '{ jobs(first: null) { nodes { id } } }', 1 + 1 + 100],
    ['assumes a length for a list without pages', '{ job { history { code } } }', 1 + 1 + 50],
    [
      'does not apply a page size to lists further inside',
      '{ jobs(first: 2) { nodes { history { code } } } }',
      1 + 1 + 2 * (1 + 50),
    ],
  ])('%s', (_, query, expected) => {
    expect(cost(query)).toBe(expected);
  });

  it('assumes no more items than the schema of a list allows', () => {
    const bounded = buildSchema('type Query { few: [Item!]! many: [Item!]! } type Item { a: Int }');
    const { few, many } = assertObjectType(bounded.getType('Query')).getFields();
    if (few === undefined || many === undefined) throw new Error('there is no such field');
    few.extensions = { maxItems: 3 };
    many.extensions = { maxItems: 10_000 };
    const measureBounded = createMeasure(bounded);
    expect(measureBounded(parse('{ few { a } }')).cost).toBe(1 + 3);
    expect(measureBounded(parse('{ many { a } }')).cost).toBe(1 + 50);
  });

  it('measures a fragment for the page size around each of its spreads', () => {
    const fragment = 'fragment ids on Page { nodes { id } }';
    const pages = (...sizes: number[]) => sizes.map((first) => `p${first}: jobs(first: ${first}) { ...ids }`).join(' ');
    const expected = 1 + 1 + 2 + (1 + 1 + 90);
    expect(cost(`{ ${pages(2, 90)} } ${fragment}`)).toBe(expected);
    expect(cost(`{ ${pages(90, 2)} } ${fragment}`)).toBe(expected);
  });

  it('is not lowered by a negative page beside it', () => {
    expect(cost('{ a: jobs(first: -9999) { nodes { id } } b: jobs(first: 100) { nodes { id } } }')).toBe(3 + 102);
  });

  it('ends for fragments that spread each other', () => {
    expect(cost('{ ...a } fragment a on Query { ...b job { id } } fragment b on Query { ...a }')).toBe(2);
  });

  it('is that of the largest operation', () => {
    expect(measure('query A { job { id } } query B { jobs(first: 1) { nodes { id } } }')).toEqual({
      depth: 3,
      selections: 3,
      cost: 3,
      introspection: 0,
    });
  });
});

describe('the selections of a document', () => {
  it('count a fragment wherever it is spread', () => {
    const { selections } = measure('{ job { ...ids ...ids } } fragment ids on Job { id }');
    expect(selections).toBe(1 + 2 * (1 + 1));
  });

  it.each(['{ jobs(first: 0) { nodes { ...f0 } } }', '{ __typename }'])(
    'are measured in linear time where fragments double, used or not: %s',
    (query) => {
      expect(measure(`${query} ${fragmentsThatDouble('id')}`).selections).toBeGreaterThan(2 ** 40);
      expect(measure(`${query} ${fragmentsThatDouble('...unknown')}`).selections).toBeGreaterThan(2 ** 40);
    },
  );
});

describe('introspection', () => {
  it('is measured by the lengths of the lists in the schema', () => {
    const types = Object.keys(schema.getTypeMap()).length;
    // No other type has as many.
    const fields = Object.keys(assertObjectType(schema.getType('__Type')).getFields()).length;
    expect(measure('{ __schema { types { name } } }')).toMatchObject({ cost: 1, introspection: 1 + types });
    expect(measure('{ __schema { types { fields { name } } } }').introspection).toBe(1 + types * (1 + fields));
    expect(measure('{ __type(name: "Job") { ofType { name } } }').introspection).toBe(2);
  });

  it('counts the members of unions', () => {
    const names = Array.from({ length: 30 }, (_, index) => `M${index}`);
    const members = names.map((name) => `type ${name} { a: Int }`).join(' ');
    const union = buildSchema(`type Query { u: U } union U = ${names.join(' | ')} ${members}`);
    const document = parse('{ __type(name: "U") { possibleTypes { name } } }');
    expect(createMeasure(union)(document).introspection).toBe(1 + 30);
  });

  it('of tools is measured by the query that reads the most', () => {
    const ofTools = measureIntrospection(measureDocument);
    expect(measure(getIntrospectionQuery()).introspection).toBeLessThanOrEqual(ofTools);
    const circle = '{ __schema { types { fields { type { fields { type { fields { args { name } } } } } } } } }';
    expect(measure(circle).introspection).toBeGreaterThan(2 * ofTools);
  });
});
