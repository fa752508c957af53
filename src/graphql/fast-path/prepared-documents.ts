import { type DocumentNode, type Location, OperationTypeNode, getOperationAST } from 'graphql';
import { LRUCache } from 'lru-cache';

/** Bytes of all cached documents together, as estimated. */
const MAX_BYTES = 32_000_000;
/** What a token takes, with the node that it becomes part of: more than any document was measured to take. */
const TOKEN_BYTES = 1000;

/** The cache interface of Yoga. */
export interface Cache<Value> {
  get(text: string): Value | undefined;
  set(text: string, value: Value): void;
}

/** Keeps the documents that were used last. An application sends few and short ones; many different ones stay within the bound. */
export function createDocumentCache(): Cache<DocumentNode> {
  const documents = new LRUCache<string, DocumentNode>({
    maxSize: MAX_BYTES,
    sizeCalculation: ({ loc }, text) => 2 * text.length + TOKEN_BYTES * countTokens(loc),
  });
  return { get: (text) => documents.get(text), set: (text, document) => void documents.set(text, document) };
}

function countTokens(location: Location | undefined): number {
  let tokens = 1;
  for (let token = location?.startToken.next; token; token = token.next) tokens += 1;
  return tokens;
}

/** Parsing an invalid document again is as fast as looking its error up. */
export const NO_CACHE: Cache<unknown> = { get: () => undefined, set: () => undefined };

/** The phases before execution. Each throws, or returns errors, for a document that it refuses. */
export interface DocumentPhases {
  parse(text: string): DocumentNode;
  validate(document: DocumentNode): readonly unknown[];
}

/** The documents that passed all phases before execution, by their text, which is all that parsing and validation depend on. */
export interface PreparedDocuments {
  /**
   * Returns the document if the operation can be executed and has a single result.
   * @param phases is called for an unknown text only
   */
  prepare(text: string, operationName: string | undefined, phases: () => DocumentPhases): DocumentNode | undefined;
}

/** @param documents the parsed documents; one that it evicts is forgotten here too */
export function createPreparedDocuments(documents: Cache<DocumentNode>): PreparedDocuments {
  /** The names of each document's executable operations; undefined stands for its only one. */
  const executable = new WeakMap<DocumentNode, Set<string | undefined>>();

  return {
    prepare(text, operationName, phases) {
      const known = documents.get(text);
      if (known !== undefined && executable.get(known)?.has(operationName)) return known;
      const document = prepareNow(text, operationName, phases());
      if (document === undefined) return undefined;
      executable.set(document, (executable.get(document) ?? new Set()).add(operationName));
      return document;
    },
  };
}

function prepareNow(text: string, operationName: string | undefined, phases: DocumentPhases): DocumentNode | undefined {
  try {
    const document = phases.parse(text);
    if (phases.validate(document).length > 0) return undefined;
    const operation = getOperationAST(document, operationName);
    const hasSingleResult = operation != null && operation.operation !== OperationTypeNode.SUBSCRIPTION;
    return hasSingleResult ? document : undefined;
  } catch {
    // Yoga parses it again and reports the error.
    return undefined;
  }
}
