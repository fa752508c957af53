import { type DocumentNode, OperationTypeNode, getOperationAST } from 'graphql';
import type { Cache } from './document-cache.ts';

/** What a phase before execution makes of a document; throws, or returns errors, for one that is refused. */
export interface DocumentPhases {
  parse(text: string): DocumentNode;
  validate(document: DocumentNode): readonly unknown[];
}

/** Documents that were found to be good for execution, by their text: it says all that parsing and validation depend on. */
export interface PreparedDocuments {
  /**
   * The document, if it can be executed and its result is a single one.
   * @param phases runs where the text is not known
   */
  prepare(text: string, operationName: string | undefined, phases: () => DocumentPhases): DocumentNode | undefined;
}

/** @param documents has those that were parsed; what was forgotten there is forgotten here */
export function createPreparedDocuments(documents: Cache<DocumentNode>): PreparedDocuments {
  /** The names of a document's operations that are good; undefined for its only one. */
  const good = new WeakMap<DocumentNode, Set<string | undefined>>();

  return {
    prepare(text, operationName, phases) {
      const known = documents.get(text);
      if (known !== undefined && good.get(known)?.has(operationName)) return known;
      const document = prepareNow(text, operationName, phases());
      if (document === undefined) return undefined;
      good.set(document, (good.get(document) ?? new Set()).add(operationName));
      return document;
    },
  };
}

function prepareNow(text: string, operationName: string | undefined, phases: DocumentPhases): DocumentNode | undefined {
  try {
    const document = phases.parse(text);
    if (phases.validate(document).length > 0) return undefined;
    return getOperationAST(document, operationName)?.operation === OperationTypeNode.SUBSCRIPTION
      ? undefined
      : document;
  } catch {
    // The ordinary way says why.
    return undefined;
  }
}
