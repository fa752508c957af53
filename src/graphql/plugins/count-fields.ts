import type { GraphQLSchema } from 'graphql';
import type { GraphQLContext } from '../builder.ts';

/**
 * Counts each root field of an operation, but for the first, as a request of its own: a document may have many, by aliases. Those beyond
 * the caller's limit fail, and the others are executed. To be called once for a schema, where requests are limited.
 */
export function countFields(schema: GraphQLSchema): void {
  /** Contexts whose first field was seen. */
  const begun = new WeakSet<object>();
  for (const type of [schema.getQueryType(), schema.getMutationType()]) {
    for (const field of Object.values(type?.getFields() ?? {})) {
      const { resolve } = field;
      if (resolve === undefined) continue;
      field.resolve = async (source, args, context: GraphQLContext, info) => {
        if (begun.has(context)) await context.countMore?.();
        begun.add(context);
        return resolve(source, args, context, info);
      };
    }
  }
}
