import {
  GraphQLBoolean,
  type GraphQLInterfaceType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from 'graphql';

const pageInfoType = new GraphQLObjectType({
  name: 'PageInfo',
  description: 'Where a page is in its list (GraphQL Cursor Connections Specification).',
  fields: {
    hasNextPage: { type: new GraphQLNonNull(GraphQLBoolean) },
    hasPreviousPage: {
      type: new GraphQLNonNull(GraphQLBoolean),
      description: 'Always false: lists are read forwards.',
    },
    startCursor: { type: GraphQLString },
    endCursor: { type: GraphQLString, description: 'Give it as `after` for the next page.' },
  },
});

function listOf(type: GraphQLObjectType | GraphQLInterfaceType) {
  return new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(type)));
}

/** A page of jobs (GraphQL Cursor Connections Specification). */
export function createJobConnection(jobInterface: GraphQLInterfaceType): GraphQLObjectType {
  const edge = new GraphQLObjectType({
    name: 'JobEdge',
    fields: {
      cursor: { type: new GraphQLNonNull(GraphQLString) },
      node: { type: new GraphQLNonNull(jobInterface) },
    },
  });
  return new GraphQLObjectType({
    name: 'JobConnection',
    description: 'A page of jobs, newest first.',
    fields: {
      edges: { type: listOf(edge) },
      nodes: { type: listOf(jobInterface) },
      pageInfo: { type: new GraphQLNonNull(pageInfoType) },
    },
  });
}
