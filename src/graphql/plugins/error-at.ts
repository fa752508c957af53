import { GraphQLError, type GraphQLErrorExtensions } from 'graphql';

/** An error at the same place of the document and of the result as another one. */
export function errorAt(place: unknown, message: string, extensions: GraphQLErrorExtensions): GraphQLError {
  const { nodes = null, source = null, positions = null, path = null } = place instanceof GraphQLError ? place : {};
  return new GraphQLError(message, { nodes, source, positions, path, extensions });
}
