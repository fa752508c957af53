import { type GraphQLSchema, specifiedScalarTypes } from 'graphql';
import { type Registry, hasFiles } from '../../core/registry.ts';
import { StartError } from '../../core/start-error.ts';
import { createBuilder } from '../builder.ts';
import { addBulkActions } from './bulk-action.ts';
import { BATCH_TYPES, addBatches, batchTypeNames } from './batch.ts';
import { FILE_TYPES, addCreateUpload } from './file.ts';
import { createFromZod } from './from-zod.ts';
import { addJobChanges } from './job-changes.ts';
import { addJobConnection } from './job-connection.ts';
import { addJobFilter } from './job-filter.ts';
import { type JobSource, addJobInterface, addJobOperations, addJobStatus } from './job.ts';
import { addJobOutput } from './job-output.ts';
import { addJobType, jobObjectName, submitPayloadName } from './job-type.ts';
import { addJobTypeStats } from './job-type-stats.ts';
import { addJson, addScalars, useExactID } from './scalars.ts';
import { addSubmitOptions } from './submit-options.ts';
import { WEBHOOK_TYPES, addDelivery, addWebhooks } from './webhook.ts';
import { SchemaShapeError } from './zod-shape.ts';

/**
 * Builds the whole schema from the job types.
 * @throws StartError with a line for each field that GraphQL cannot express, which names the file
 */
export function createGraphQLSchema(registry: Registry): GraphQLSchema {
  const builder = createBuilder();
  builder.queryType({});
  builder.mutationType({});
  builder.subscriptionType({});
  addScalars(builder);
  const jobStatus = addJobStatus(builder);
  const delivery = addDelivery(builder);
  const job = addJobInterface(builder, jobStatus, delivery, (type) =>
    registry.get(type) === undefined ? REMOVED_TYPE : jobObjectName(type),
  );
  builder.objectRef<JobSource>(REMOVED_TYPE).implement({
    description: 'A job of a type that a later version of this server has removed. `resultUrl` leads to its result.',
    interfaces: [job],
  });
  addJobOperations(builder, job);
  const jobFilter = addJobFilter(builder, jobStatus);
  const connection = addJobConnection(builder, job, jobStatus, jobFilter);
  const batches = addBatches(builder, connection, jobStatus);
  addJobChanges(builder, job, jobFilter);
  addWebhooks(builder, delivery);

  const json = addJson(builder);
  addJobOutput(builder, json);
  const fromZod = createFromZod(builder, json, reservedNames(registry));
  addJobTypeStats(builder, fromZod);
  const submitOptions = addSubmitOptions(builder);
  addBulkActions(builder, job, jobFilter, fromZod);
  const problems = registry.types.flatMap((type) => {
    const others = addReportedly(() => addJobType(builder, type, { job, submitOptions, batches }, fromZod));
    return [...fromZod.takeProblems(), ...others].map((problem) => `${registry.fileOf(type)}: ${problem}`);
  });
  if (hasFiles(registry, ['input'])) addCreateUpload(builder);
  if (problems.length > 0) throw new StartError(problems);
  // Sorting would rebuild every type and lose the order in which the fields read best.
  return useExactID(builder.toSchema({ sortSchema: false }));
}

/** @returns the problem that ended it */
function addReportedly(add: () => void): string[] {
  try {
    add();
    return [];
  } catch (error) {
    if (error instanceof SchemaShapeError) return [error.message];
    throw error;
  }
}

/** The object type of jobs whose job type has no file any more. */
const REMOVED_TYPE = 'JobOfRemovedType';

/** The types that do not come from a zod schema. */
function reservedNames(registry: Registry): ReadonlySet<string> {
  const { types, builtIn } = registry;
  const own = [
    'Query',
    'Mutation',
    'Subscription',
    'DateTime',
    'Date',
    'URL',
    'SafeInt',
    'JSON',
    'PageInfo',
    'SubmitOptions',
  ];
  const ofJobs = [
    'Job',
    'JobStatus',
    'JobFilter',
    'JobError',
    'JobAttempt',
    'JobOutput',
    'JobOutputKind',
    REMOVED_TYPE,
    'JobConnection',
    'JobEdge',
    ...BATCH_TYPES,
    ...WEBHOOK_TYPES,
  ];
  const perType = types.flatMap((type) => {
    const { payload, item } = batchTypeNames(type);
    return [jobObjectName(type.name), submitPayloadName(type.name), payload, item];
  });
  const ofBuiltIn = builtIn.map(({ name }) => jobObjectName(name));
  return new Set([
    ...(hasFiles(registry) ? FILE_TYPES : []),
    ...own,
    ...ofJobs,
    ...ofBuiltIn,
    ...specifiedScalarTypes.map(({ name }) => name),
    ...perType,
  ]);
}
