import { type DocumentNode, OperationTypeNode, getOperationAST } from 'graphql';
import { LRUCache } from 'lru-cache';

/** Characters of all documents that are kept. */
const MAX_CHARACTERS = 250_000;

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

export function createPreparedDocuments(): PreparedDocuments {
  const documents = new LRUCache<string, DocumentNode>({
    maxSize: MAX_CHARACTERS,
    sizeCalculation: (_document, key) => key.length,
  });

  return {
    prepare(text, operationName, phases) {
      // No document has U+0000 outside of a text, and no operation in its name.
      const key = operationName === undefined ? text : `${operationName}\0${text}`;
      const known = documents.get(key);
      if (known !== undefined) return known;
      const document = prepareNow(text, operationName, phases());
      if (document !== undefined) documents.set(key, document);
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
