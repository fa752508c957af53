import type { DocumentNode } from 'graphql';
import { LRUCache } from 'lru-cache';

/** Characters of all documents that are kept. Parsed they take some hundred times as many bytes. */
const MAX_CHARACTERS = 250_000;

/** What Yoga asks of a cache. */
export interface Cache<Value> {
  get(text: string): Value | undefined;
  set(text: string, value: Value): void;
}

/** Keeps the documents that were asked for last. Those of an application are few and short, and many different ones take no more memory. */
export function createDocumentCache(): Cache<DocumentNode> {
  const documents = new LRUCache<string, DocumentNode>({
    maxSize: MAX_CHARACTERS,
    sizeCalculation: (_document, text) => text.length,
  });
  return { get: (text) => documents.get(text), set: (text, document) => void documents.set(text, document) };
}

/** What can't be parsed is as quickly found out again. */
export const NO_CACHE: Cache<unknown> = { get: () => undefined, set: () => undefined };
