import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Lexer,
  type ParseOptions,
  Source,
  TokenKind,
  parse,
  visit,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { measureOperations } from './measure.ts';

/**
 * The most that one document may have: far more than clients ask for, and than GraphiQL does, and so little that no document
 * keeps the server busy.
 */
const LIMITS = {
  /** Values belong into variables, which the limit of the body alone bounds. */
  characters: 100_000,
  tokens: 5000,
  /** Brackets inside brackets, of each kind. */
  nesting: 50,
  operations: 20,
  aliases: 50,
  directives: 50,
  /** Fields inside fields, with those of fragments. */
  depth: 20,
  /** Values in the reply; see `measure.ts`. */
  cost: 10_000,
} as const;

const OPEN: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_L, TokenKind.PAREN_L, TokenKind.BRACKET_L]);
const CLOSE: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_R, TokenKind.PAREN_R, TokenKind.BRACKET_R]);

/**
 * Refuses documents beyond the limits before they are validated: GraphQL's own rules compare each field with each other, and
 * its parser calls itself for each bracket. What a cache has was found to be within them.
 */
export function useLimits(schema: GraphQLSchema): Plugin {
  const parseWithin = (source: string | Source, options?: ParseOptions): DocumentNode => {
    checkTokens(typeof source === 'string' ? new Source(source) : source);
    const document = parse(source, options);
    checkParts(document);
    for (const { depth, cost } of measureOperations(schema, document)) {
      refuseAbove('depth', depth, 'fields inside one another');
      refuseAbove('cost', cost, 'values in the reply, as it may be');
    }
    return document;
  };
  return { onParse: ({ setParseFn }) => setParseFn(parseWithin) };
}

/** Reads the document as the parser does, but for the meaning. */
function checkTokens(source: Source): void {
  refuseAbove('characters', source.body.length, 'characters; send values in variables');
  const lexer = new Lexer(source);
  let tokens = 0;
  let nesting = 0;
  for (let { kind } = lexer.advance(); kind !== TokenKind.EOF; { kind } = lexer.advance()) {
    refuseAbove('tokens', ++tokens, 'tokens; send values in variables');
    if (OPEN.has(kind)) refuseAbove('nesting', ++nesting, 'brackets inside one another');
    else if (CLOSE.has(kind)) nesting -= 1;
  }
}

function checkParts(document: DocumentNode): void {
  const found = { operations: 0, aliases: 0, directives: 0 };
  visit(document, {
    OperationDefinition: () => void (found.operations += 1),
    Field: ({ alias }) => void (alias && (found.aliases += 1)),
    Directive: () => void (found.directives += 1),
  });
  for (const name of ['operations', 'aliases', 'directives'] as const) refuseAbove(name, found[name], name);
}

function refuseAbove(limit: keyof typeof LIMITS, value: number, what: string): void {
  if (value <= LIMITS[limit]) return;
  throw new GraphQLError(`The document has more than ${LIMITS[limit].toLocaleString('en')} ${what}.`, {
    // Not only where the client reads the status (GraphQL over HTTP, section 6.4): this one is never worth a second try.
    extensions: { code: 'GRAPHQL_VALIDATION_FAILED', limit, http: { status: 400 } },
  });
}
