import {
  GraphQLBoolean,
  type GraphQLFieldConfig,
  GraphQLID,
  type GraphQLInterfaceType,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from 'graphql';
import type { JobType } from '../../core/define-job.ts';
import { readIdempotencyKey } from '../../core/input/idempotency-key.ts';
import type { GraphQLContext } from '../context.ts';
import { type JobSource, jobFields, toJobSource } from './job-interface.ts';
import { Url } from './scalars.ts';
import { type ZodTypes, pascalCase } from './zod-types.ts';

type Field<Source, Arguments = object> = GraphQLFieldConfig<Source, GraphQLContext, Arguments>;

interface SubmitArguments {
  readonly input: unknown;
  readonly idempotencyKey?: string | null;
}

interface SubmitPayload {
  readonly job: JobSource;
  readonly replayed: boolean;
}

/** What one job type adds to the schema. */
export interface JobTypeFields {
  readonly object: GraphQLObjectType;
  readonly submit: Field<unknown, SubmitArguments>;
  /** Reads the resource; undefined where the type makes none. */
  readonly resource: Field<unknown, { id: string }> | undefined;
}

export function jobObjectName(jobType: string): string {
  return `${pascalCase(jobType)}Job`;
}

export function submitPayloadName(jobType: string): string {
  return `Submit${pascalCase(jobType)}Payload`;
}

/** @throws SchemaShapeError that names the field, for what GraphQL can't express */
export function createJobTypeFields(type: JobType, jobInterface: GraphQLInterfaceType, types: ZodTypes): JobTypeFields {
  const name = pascalCase(type.name);
  const result = types.output(type.result, `${name}Result`, 'result', 'output');
  const object = new GraphQLObjectType<JobSource, GraphQLContext>({
    name: jobObjectName(type.name),
    description: type.description,
    interfaces: [jobInterface],
    fields: {
      ...jobFields,
      input: {
        type: types.output(type.input, `${name}JobInput`, 'input', 'input'),
        description: 'What was submitted.',
        resolve: ({ job }, _, { service }) => service.readInput(job),
      },
      result: {
        type: result,
        description: 'Null until succeeded.',
        resolve: ({ job }) => (job.status === 'Succeeded' ? job.result : null),
      },
    },
  });
  const { resource } = type;
  return {
    object,
    submit: createSubmitField(type, object, types),
    resource: resource && {
      type: result,
      args: { id: { type: new GraphQLNonNull(GraphQLID) } },
      resolve: (_, { id }, { service, caller }) => service.findResource(type, id, caller),
    },
  };
}

function createSubmitField(type: JobType, object: GraphQLObjectType, types: ZodTypes): Field<unknown, SubmitArguments> {
  const name = `Submit${pascalCase(type.name)}`;
  const payload = new GraphQLObjectType<SubmitPayload, GraphQLContext>({
    name: submitPayloadName(type.name),
    fields: {
      jobId: { type: new GraphQLNonNull(GraphQLID), resolve: ({ job }) => job.id },
      statusUrl: { type: new GraphQLNonNull(Url), description: 'GET it to poll.', resolve: ({ job }) => job.statusUrl },
      job: { type: new GraphQLNonNull(object) },
      accessToken: {
        type: new GraphQLNonNull(GraphQLString),
        description:
          'With it alone, as a bearer token or as `access_token` in the URL, whoever has it can read and cancel this one job, until it expires.',
        resolve: ({ job }, _, { service }) => service.accessToken(job),
      },
      replayed: {
        type: new GraphQLNonNull(GraphQLBoolean),
        description: 'Whether an earlier submission with the same idempotency key had made the job.',
      },
    },
  });
  return {
    type: new GraphQLNonNull(payload),
    description: type.description,
    args: {
      input: { type: new GraphQLNonNull(types.input(type.input, `${name}Input`, 'input')) },
      idempotencyKey: {
        type: GraphQLString,
        description:
          'The same key gives the same job, as long as it can be read: 1 to 255 printable ASCII characters. The header Idempotency-Key does the same.',
      },
    },
    async resolve(_, { input, idempotencyKey }, context): Promise<SubmitPayload> {
      const { service, caller, requestId, idempotencyKeyHeader } = context;
      const key = readIdempotencyKey(idempotencyKey ?? undefined, idempotencyKeyHeader);
      const { job, replayed } = await service.submit({ type, input, caller, requestId, idempotencyKey: key });
      return { job: toJobSource(job, context), replayed };
    },
  };
}
