import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createDocumentCache } from '../../src/graphql/fast-path/document-cache.ts';
import { createPreparedDocuments } from '../../src/graphql/fast-path/prepared-documents.ts';

/** Documents whose preparations are counted; those that have a field `invalid` are not valid. */
function countedDocuments() {
  const cache = createDocumentCache();
  const documents = createPreparedDocuments(cache);
  let parsed = 0;
  const prepare = (text: string, operationName?: string) =>
    documents.prepare(text, operationName, () => ({
      parse(source) {
        parsed += 1;
        // As Yoga does.
        const document = cache.get(source) ?? parse(source);
        cache.set(source, document);
        return document;
      },
      validate: () => (text.includes('invalid') ? ['no such field'] : []),
    }));
  return { prepare, parsed: () => parsed };
}

describe('documents that were found to be good', () => {
  it('are parsed and validated once, for each operation that is asked for', () => {
    const { prepare, parsed } = countedDocuments();
    const first = prepare('query A { a } query B { b }', 'A');
    expect(prepare('query A { a } query B { b }', 'A')).toBe(first);
    expect(parsed()).toBe(1);
    expect(prepare('query A { a } query B { b }', 'B')).toBeDefined();
    expect(parsed()).toBe(2);
  });

  it('are kept alone: not what is no document, not valid, or a subscription', () => {
    const { prepare, parsed } = countedDocuments();
    const refused = ['{', '{ invalid }', 'subscription { a }'];
    for (const text of [...refused, ...refused]) expect(prepare(text)).toBeUndefined();
    expect(parsed()).toBe(6);
  });

  it('are forgotten when there are many others, so that different ones take no more memory', () => {
    const { prepare, parsed } = countedDocuments();
    const text = (index: number): string => `{ a${index} } # ${'x'.repeat(1000)}`;
    for (let index = 0; index < 300; index += 1) prepare(text(index));
    prepare(text(299));
    expect(parsed()).toBe(300);
    prepare(text(0));
    expect(parsed()).toBe(301);
  });
});
