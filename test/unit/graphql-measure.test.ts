import { buildSchema, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { measureOperations } from '../../src/graphql/plugins/measure.ts';

const schema = buildSchema(`
  type Query { jobs(first: Int): Page!  job: Job }
  type Page { nodes: [Job!]! }
  type Job { id: ID!  history: [Attempt!]! }
  type Attempt { code: String }
`);

const measure = (query: string) => measureOperations(schema, parse(query));
const cost = (query: string): number | undefined => measure(query)[0]?.cost;

describe('the cost of an operation', () => {
  it.each([
    ['counts a field once', '{ job { id } }', 2],
    ['multiplies by the page size', '{ jobs(first: 7) { nodes { id } } }', 1 + 1 + 7],
    ['assumes the default page size', '{ jobs { nodes { id } } }', 1 + 1 + 20],
    ['bounds the page size as the API does', '{ jobs(first: 5000) { nodes { id } } }', 1 + 1 + 100],
    ['assumes the largest page for a variable', 'query ($n: Int) { jobs(first: $n) { nodes { id } } }', 1 + 1 + 100],
    ['assumes a length for a list without pages', '{ job { history { code } } }', 1 + 1 + 50],
    [
      'does not apply a page size to lists further inside',
      '{ jobs(first: 2) { nodes { history { code } } } }',
      1 + 1 + 2 * (1 + 50),
    ],
  ])('%s', (_, query, expected) => {
    expect(cost(query)).toBe(expected);
  });

  it('measures a fragment for the page size around each of its spreads', () => {
    const fragment = 'fragment ids on Page { nodes { id } }';
    const pages = (...sizes: number[]) => sizes.map((first) => `p${first}: jobs(first: ${first}) { ...ids }`).join(' ');
    const expected = 1 + 1 + 2 + (1 + 1 + 90);
    expect(cost(`{ ${pages(2, 90)} } ${fragment}`)).toBe(expected);
    expect(cost(`{ ${pages(90, 2)} } ${fragment}`)).toBe(expected);
  });

  it('is linear in the document where fragments double', () => {
    const fragments = Array.from({ length: 40 }, (_, i) => `fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`);
    expect(cost(`{ ...f0 } ${fragments.join(' ')} fragment f40 on Query { job { id } }`)).toBe(2 * 2 ** 40);
  });

  it('ends for fragments that spread each other', () => {
    expect(cost('{ ...a } fragment a on Query { ...b job { id } } fragment b on Query { ...a }')).toBe(2);
  });

  it('is measured for each operation, beside its depth', () => {
    expect(measure('query A { job { id } } query B { jobs(first: 1) { nodes { id } } }')).toEqual([
      { depth: 2, cost: 2 },
      { depth: 3, cost: 3 },
    ]);
  });
});
