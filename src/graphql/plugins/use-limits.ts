import {
  type DocumentNode,
  type GraphQLSchema,
  Lexer,
  type ParseOptions,
  Source,
  TokenKind,
  parse,
  visit,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { ServiceError } from '../../core/errors.ts';
import { createMeasure, measureIntrospection } from './measure.ts';

/** The bounds of one document: far above what clients send, GraphiQL included, and low enough to keep the server responsive. */
const LIMITS = {
  characters: { max: 100_000, of: 'characters; send values in variables' },
  tokens: { max: 5000, of: 'tokens; send values in variables' },
  nesting: { max: 50, of: 'brackets inside one another' },
  operations: { max: 20, of: 'operations' },
  fragments: { max: 100, of: 'fragments' },
  repetitions: { max: 100, of: 'fields with the same name' },
  aliases: { max: 50, of: 'aliases' },
  directives: { max: 50, of: 'directives' },
  depth: { max: 20, of: 'fields inside one another' },
  selections: { max: 5000, of: 'fields, with those of each fragment wherever it is spread' },
  cost: { max: 10_000, of: 'values in its reply, as long as its lists may be; ask for smaller pages' },
} as const;

const OPEN: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_L, TokenKind.PAREN_L, TokenKind.BRACKET_L]);
const CLOSE: ReadonlySet<TokenKind> = new Set([TokenKind.BRACE_R, TokenKind.PAREN_R, TokenKind.BRACKET_R]);

/** How much more than the largest introspection query of common tools a document may ask of the schema. */
const INTROSPECTION_SHARE = 2;

/**
 * Refuses documents beyond the limits before they are validated: validation compares every field with every other, and the
 * parser recurses for each bracket. Cached documents passed these checks before.
 */
export function useLimits(schema: GraphQLSchema): Plugin {
  const measure = createMeasure(schema);
  const maxIntrospection = INTROSPECTION_SHARE * measureIntrospection(measure);
  const parseWithin = (source: string | Source, options?: ParseOptions): DocumentNode => {
    checkTokens(typeof source === 'string' ? new Source(source) : source);
    const document = parse(source, options);
    checkParts(document);
    const { depth, selections, cost, introspection } = measure(document);
    refuseAbove('depth', depth);
    refuseAbove('selections', selections);
    refuseAbove('cost', cost);
    if (introspection > maxIntrospection)
      throw new ServiceError('malformed-request', 'The document reads the schema too many times.');
    return document;
  };
  return { onParse: ({ setParseFn }) => setParseFn(parseWithin) };
}

/** Counts tokens and brackets without building the document. */
function checkTokens(source: Source): void {
  refuseAbove('characters', source.body.length);
  const lexer = new Lexer(source);
  let tokens = 0;
  let nesting = 0;
  for (let { kind } = lexer.advance(); kind !== TokenKind.EOF; { kind } = lexer.advance()) {
    refuseAbove('tokens', ++tokens);
    if (OPEN.has(kind)) refuseAbove('nesting', ++nesting);
    else if (CLOSE.has(kind)) nesting -= 1;
  }
}

function checkParts(document: DocumentNode): void {
  const found = { operations: 0, fragments: 0, aliases: 0, directives: 0 };
  /** Validation compares each field with every other of the same name. */
  const repetitions = new Map<string, number>();
  visit(document, {
    OperationDefinition: () => void (found.operations += 1),
    FragmentDefinition: () => void (found.fragments += 1),
    Field({ alias, name }) {
      if (alias) found.aliases += 1;
      const shown = (alias ?? name).value;
      repetitions.set(shown, (repetitions.get(shown) ?? 0) + 1);
    },
    Directive: () => void (found.directives += 1),
  });
  for (const name of ['operations', 'fragments', 'aliases', 'directives'] as const) refuseAbove(name, found[name]);
  refuseAbove('repetitions', Math.max(0, ...repetitions.values()));
}

/** @throws ServiceError `malformed-request` */
function refuseAbove(limit: keyof typeof LIMITS, value: number): void {
  const { max, of } = LIMITS[limit];
  if (value > max)
    throw new ServiceError('malformed-request', `The document has more than ${max.toLocaleString('en')} ${of}.`);
}
