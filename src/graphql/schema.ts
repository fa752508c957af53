import {
  GraphQLID,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  type GraphQLFieldConfigMap,
  specifiedScalarTypes,
} from 'graphql';
import type { JobType } from '../core/define-job.ts';
import type { Registry } from '../core/registry.ts';
import { StartError } from '../core/start-error.ts';
import type { GraphQLContext } from './context.ts';
import { createJobInterface, toJobSource } from './job-interface.ts';
import { type JobTypeFields, createJobTypeFields, jobObjectName, submitPayloadName } from './job-object.ts';
import { SchemaShapeError } from './zod-shape.ts';
import { createZodTypes, pascalCase } from './zod-types.ts';

/**
 * The whole schema, made from the job types.
 * @throws StartError that names the file and the field, for a job type that GraphQL can't express
 */
export function createGraphQLSchema(registry: Registry): GraphQLSchema {
  const types = createZodTypes(reservedNames(registry));
  const jobInterface = createJobInterface(jobObjectName);
  const parts = registry.types.map((type) => ({
    type,
    fields: namingFile(registry, type, () => createJobTypeFields(type, jobInterface, types)),
  }));

  const query: GraphQLFieldConfigMap<unknown, GraphQLContext> = {
    jobStatus: {
      type: jobInterface,
      description: 'A job as it is now; null if there is none with this id.',
      args: { id: { type: new GraphQLNonNull(GraphQLID) } },
      async resolve(_, { id }: { id: string }, context) {
        const job = await context.service.read(id);
        const type = job && registry.get(job.type);
        return job && type ? toJobSource(job, type, context) : null;
      },
    },
  };
  const mutation: GraphQLFieldConfigMap<unknown, GraphQLContext> = {};
  for (const { type, fields } of parts) {
    mutation[`submit${pascalCase(type.name)}`] = fields.submit;
    if (fields.resource !== undefined) query[type.name] = fields.resource;
  }

  return new GraphQLSchema({
    query: new GraphQLObjectType({ name: 'Query', fields: query }),
    mutation: new GraphQLObjectType({ name: 'Mutation', fields: mutation }),
    types: parts.map(({ fields }) => fields.object),
  });
}

/** Names of types that the API makes itself. */
function reservedNames({ types }: Registry): ReadonlySet<string> {
  const own = ['Query', 'Mutation', 'Subscription', 'Job', 'JobStatus', 'JobError', 'DateTime', 'Date', 'URL'];
  const perType = types.flatMap(({ name }) => [jobObjectName(name), submitPayloadName(name)]);
  return new Set([...own, ...specifiedScalarTypes.map(({ name }) => name), ...perType]);
}

function namingFile(registry: Registry, type: JobType, make: () => JobTypeFields): JobTypeFields {
  try {
    return make();
  } catch (error) {
    if (error instanceof SchemaShapeError)
      throw new StartError(`${registry.fileOf(type)}: ${error.message}`, { cause: error });
    throw error;
  }
}
