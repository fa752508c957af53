import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createDocumentCache, createPreparedDocuments } from '../../src/graphql/fast-path/prepared-documents.ts';

/** Counts how often documents are parsed. A document with a field `invalid` does not pass validation. */
function countedDocuments() {
  const cache = createDocumentCache();
  const documents = createPreparedDocuments(cache);
  let parsed = 0;
  const prepare = (text: string, operationName?: string) =>
    documents.prepare(text, operationName, () => ({
      parse(source) {
        parsed += 1;
        // Yoga uses the cache in this way.
        const document = cache.get(source) ?? parse(source);
        cache.set(source, document);
        return document;
      },
      validate: () => (text.includes('invalid') ? ['no such field'] : []),
    }));
  return { prepare, parsed: () => parsed };
}

describe('prepared documents', () => {
  it('are parsed and validated once for each operation', () => {
    const { prepare, parsed } = countedDocuments();
    const first = prepare('query A { a } query B { b }', 'A');
    expect(prepare('query A { a } query B { b }', 'A')).toBe(first);
    expect(parsed()).toBe(1);
    expect(prepare('query A { a } query B { b }', 'B')).toBeDefined();
    expect(parsed()).toBe(2);
  });

  it('exclude invalid documents and subscriptions', () => {
    const { prepare, parsed } = countedDocuments();
    const refused = ['{', '{ invalid }', 'subscription { a }', 'query A { a } query B { b }'];
    for (const text of [...refused, ...refused]) expect(prepare(text)).toBeUndefined();
    expect(parsed()).toBe(8);
  });

  it('exclude an operation name that the document does not have', () => {
    const { prepare } = countedDocuments();
    expect(prepare('query A { a }', 'A')).toBeDefined();
    expect(prepare('query A { a }', 'B')).toBeUndefined();
  });

  it('are evicted when many others are used, so that memory stays bounded', () => {
    const { prepare, parsed } = countedDocuments();
    const text = (index: number): string => `{ ${`a${index} `.repeat(1000)} }`;
    for (let index = 0; index < 40; index += 1) prepare(text(index));
    prepare(text(39));
    expect(parsed()).toBe(40);
    prepare(text(0));
    expect(parsed()).toBe(41);
  });
});

describe('the cache of documents', () => {
  it('keeps the most recently used ones, up to 32 MB', () => {
    const cache = createDocumentCache();
    const documents = Array.from({ length: 50 }, (_, index) => `{ ${`a${index} `.repeat(997)} }`);
    for (const text of documents) cache.set(text, parse(text));
    const kept = documents.filter((text) => cache.get(text) !== undefined);
    // Each has a thousand tokens, and its text.
    expect(kept).toEqual(documents.slice(-31));
  });
});
