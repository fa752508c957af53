import { Kind, GraphQLError, GraphQLScalarType, type ValueNode } from 'graphql';
import { z } from 'zod';

export const DateTime = textScalar(
  'DateTime',
  'A date and time with its offset, such as 2026-03-01T12:00:00Z (RFC 3339).',
  'https://datatracker.ietf.org/doc/html/rfc3339',
  z.iso.datetime({ offset: true }),
);

export const PlainDate = textScalar(
  'Date',
  'A date without time, such as 2026-03-01 (RFC 3339, full-date).',
  'https://datatracker.ietf.org/doc/html/rfc3339',
  z.iso.date(),
);

export const Url = textScalar(
  'URL',
  'An absolute URL (RFC 3986).',
  'https://datatracker.ietf.org/doc/html/rfc3986',
  z.url(),
);

/** A scalar that is text of a certain form, on the wire and for the code. */
function textScalar(
  name: string,
  description: string,
  specifiedByURL: string,
  schema: z.ZodType<string>,
): GraphQLScalarType {
  const parse = (value: unknown): string => {
    const parsed = schema.safeParse(value);
    if (!parsed.success) throw new GraphQLError(`${name} cannot represent this value; expected: ${description}`);
    return parsed.data;
  };
  return new GraphQLScalarType({
    name,
    description,
    specifiedByURL,
    serialize: (value) => (value instanceof Date ? value.toISOString() : String(value)),
    parseValue: parse,
    parseLiteral: (node: ValueNode) => parse(node.kind === Kind.STRING ? node.value : undefined),
  });
}
