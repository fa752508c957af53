import { GraphQLObjectType, GraphQLSchema, specifiedScalarTypes } from 'graphql';
import type { JobType } from '../../core/define-job.ts';
import type { Registry } from '../../core/registry.ts';
import { StartError } from '../../core/start-error.ts';
import { createJobInterface } from './job-interface.ts';
import { type JobTypeFields, createJobTypeFields, jobObjectName, submitPayloadName } from './job-object.ts';
import { createJobOperations } from './job-operations.ts';
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

  const { query, mutation, subscription } = createJobOperations(jobInterface);
  for (const { type, fields } of parts) {
    mutation[`submit${pascalCase(type.name)}`] = fields.submit;
    if (fields.resource !== undefined) query[type.name] = fields.resource;
  }

  return new GraphQLSchema({
    query: new GraphQLObjectType({ name: 'Query', fields: query }),
    mutation: new GraphQLObjectType({ name: 'Mutation', fields: mutation }),
    subscription: new GraphQLObjectType({ name: 'Subscription', fields: subscription }),
    types: parts.map(({ fields }) => fields.object),
  });
}

/** Names of types that the API makes itself. */
function reservedNames({ types }: Registry): ReadonlySet<string> {
  const own = ['Query', 'Mutation', 'Subscription', 'DateTime', 'Date', 'URL', 'PageInfo'];
  const ofJobs = ['Job', 'JobStatus', 'JobError', 'JobAttempt', 'JobConnection', 'JobEdge'];
  const perType = types.flatMap(({ name }) => [jobObjectName(name), submitPayloadName(name)]);
  return new Set([...own, ...ofJobs, ...specifiedScalarTypes.map(({ name }) => name), ...perType]);
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
