import type { JobType } from '../../core/define-job.ts';
import type { Builder } from '../builder.ts';
import { pascalCase } from '../../core/type-name.ts';
import { type BatchTypes, addBatchMutation } from './batch.ts';
import type { FromZod } from './from-zod.ts';
import { type JobInterface, type JobSource, toAnswer } from './job.ts';
import { IDEMPOTENCY_KEY, lazyReader, readKey } from './submit.ts';
import { OPTIONS_PATH, type SubmitOptionsInput, readSubmitOptions } from './submit-options.ts';

interface SubmitPayload {
  readonly job: JobSource;
  readonly replayed: boolean;
}

export function jobObjectName(jobType: string): string {
  return `${pascalCase(jobType)}Job`;
}

export function submitPayloadName(jobType: string): string {
  return `Submit${pascalCase(jobType)}Payload`;
}

/**
 * Adds the object type of a job type's jobs.
 * @throws SchemaShapeError that names the field, for a schema that GraphQL cannot express; `fromZod` has the problems of nested fields
 */
export function addJobObject(builder: Builder, type: JobType, jobInterface: JobInterface, fromZod: FromZod) {
  const name = pascalCase(type.name);
  const ofResult = { schema: type.result, name: `${name}Result`, owner: `${name}Result`, path: 'result' };
  const result = fromZod.output(ofResult, 'output');
  const submitted = fromZod.output({ ...inputOf(type), name: `${name}JobInput` }, 'input');
  const object = builder.objectRef<JobSource>(jobObjectName(type.name)).implement({
    description: type.description,
    interfaces: [jobInterface],
    fields: (t) => ({
      input: t.field({
        type: submitted,
        nullable: true,
        description: 'The submitted input.',
        resolve: ({ job }, _, { service, budget, urls }) =>
          budget.readInput(async () => service.showInput(job, await service.readInput(job), urls)),
      }),
      result: t.field({
        type: result,
        nullable: true,
        description: 'The result; null until the job has succeeded.',
        resolve: ({ job }, _, { service, urls }) => (job.status === 'Succeeded' ? service.showResult(job, urls) : null),
      }),
    }),
  });
  return { object, result };
}

/** What the fields of all job types refer to. */
export interface SharedTypes {
  readonly job: JobInterface;
  readonly submitOptions: SubmitOptionsInput;
  readonly batches: BatchTypes;
}

const inputOf = ({ name, input }: JobType) => ({ schema: input, owner: pascalCase(name), path: 'input' });

/**
 * Adds what one job type contributes: its object type, the mutation that submits it, and the query of its resource.
 * @throws SchemaShapeError that names the field, for a schema that GraphQL cannot express; `fromZod` has the problems of nested fields
 */
export function addJobType(
  builder: Builder,
  type: JobType,
  { job: jobInterface, submitOptions, batches }: SharedTypes,
  fromZod: FromZod,
): void {
  const name = pascalCase(type.name);
  const { object, result } = addJobObject(builder, type, jobInterface, fromZod);
  const input = fromZod.input({ ...inputOf(type), name: `Submit${name}Input` });
  const readerOf = lazyReader('input');

  const payload = builder.objectRef<SubmitPayload>(submitPayloadName(type.name)).implement({
    fields: (t) => ({
      jobId: t.id({ resolve: ({ job }) => job.id }),
      statusUrl: t.field({ type: 'URL', description: 'The REST URL to poll.', resolve: ({ job }) => job.statusUrl }),
      job: t.expose('job', { type: object }),
      accessToken: t.string({
        description:
          'Grants access to this one job, to read and cancel it, until it expires. Send it as a bearer token or as the query parameter `access_token`.',
        resolve: ({ job: { job } }, _, { service }) => service.accessToken(job),
      }),
      replayed: t.exposeBoolean('replayed', {
        description:
          'Whether the job was there before: an earlier submission created it with the same idempotency key, or it waited with the same deduplication id.',
      }),
    }),
  });

  builder.mutationField(`submit${name}`, (t) =>
    t.field({
      type: payload,
      // One submission that fails leaves the results of the others in the reply.
      nullable: true,
      extensions: { access: { scope: 'submit' } },
      description: type.description,
      args: {
        input: t.arg({ type: input, required: true }),
        idempotencyKey: t.arg.string({ description: IDEMPOTENCY_KEY }),
        options: t.arg({ type: submitOptions }),
      },
      async resolve(_, { input: value, idempotencyKey, options }, context, info): Promise<SubmitPayload> {
        const { service, caller, requestId, trace } = context;
        const key = readKey(idempotencyKey, context, info);
        const reader = readerOf(info);
        const sent = reader === undefined ? value : reader.toTagged(value);
        try {
          const submission = {
            type,
            input: sent,
            options: { given: readSubmitOptions(options), path: OPTIONS_PATH, base: context.urls.base },
            caller,
            requestId,
            trace,
            field: info.fieldName,
            idempotencyKey: key,
          };
          const { job, replayed } = await service.submit(submission);
          return { job: toAnswer(job, context), replayed };
        } catch (error) {
          throw reader === undefined ? error : reader.toWritten(error, value);
        }
      },
    }),
  );

  addBatchMutation(builder, type, { job: object, input, submitOptions, ...batches });

  if (type.resource === undefined) return;
  builder.queryField(type.name, (t) =>
    t.field({
      type: result,
      nullable: true,
      extensions: { access: { scope: 'read' } },
      args: { id: t.arg.id({ required: true }) },
      resolve: (_, { id }, { service, caller }) => service.findResource(type, id, caller),
    }),
  );
}
