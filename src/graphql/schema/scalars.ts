import { GraphQLError, Kind, type ValueNode } from 'graphql';
import { z } from 'zod';
import type { Builder } from '../builder.ts';

const RFC_3339 = 'https://datatracker.ietf.org/doc/html/rfc3339';

/** Adds the scalars of a job's own fields. They are text in a certain format, both as JSON and in the code. */
export function addScalars(builder: Builder): void {
  builder.scalarType('DateTime', {
    ...textScalar(
      'DateTime',
      'A date and time with its offset, such as 2026-03-01T12:00:00Z (RFC 3339).',
      z.iso.datetime({ offset: true }),
    ),
    specifiedByURL: RFC_3339,
  });
  builder.scalarType('URL', {
    ...textScalar('URL', 'An absolute URL (RFC 3986).', z.url()),
    specifiedByURL: 'https://datatracker.ietf.org/doc/html/rfc3986',
  });
}

/** Adds the scalar Date, for the schemas that use it. */
export function addDate(builder: Builder) {
  return builder.scalarType('Date', {
    ...textScalar('Date', 'A date without time, such as 2026-03-01 (RFC 3339, full-date).', z.iso.date()),
    specifiedByURL: RFC_3339,
  });
}

function textScalar(name: string, description: string, schema: z.ZodType<string>) {
  const parse = (value: unknown): string => {
    const parsed = schema.safeParse(value);
    if (!parsed.success) throw new GraphQLError(`${name} cannot represent this value; expected: ${description}`);
    return parsed.data;
  };
  return {
    description,
    serialize: (value: unknown) => (value instanceof Date ? value.toISOString() : String(value)),
    parseValue: parse,
    parseLiteral: (node: ValueNode) => parse(node.kind === Kind.STRING ? node.value : undefined),
  };
}
