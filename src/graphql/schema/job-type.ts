import type { JobType } from '../../core/define-job.ts';
import { readIdempotencyKey } from '../../core/input/idempotency-key.ts';
import type { Builder } from '../builder.ts';
import { type FromZod, pascalCase } from './from-zod.ts';
import { type JobInterface, type JobSource, toJobSource } from './job.ts';

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
 * Adds what one job type contributes: its object type, the mutation that submits it, and the query of its resource.
 * @throws SchemaShapeError that names the field, for a schema that GraphQL cannot express
 */
export function addJobType(builder: Builder, type: JobType, jobInterface: JobInterface, fromZod: FromZod): void {
  const name = pascalCase(type.name);
  const result = fromZod.output(type.result, `${name}Result`, 'result', 'output');
  const submitted = fromZod.output(type.input, `${name}JobInput`, 'input', 'input');
  const input = fromZod.input(type.input, `Submit${name}Input`, 'input');

  const object = builder.objectRef<JobSource>(jobObjectName(type.name)).implement({
    description: type.description,
    interfaces: [jobInterface],
    fields: (t) => ({
      input: t.field({
        type: submitted,
        nullable: true,
        description: 'What was submitted.',
        resolve: ({ job }, _, { service }) => service.readInput(job),
      }),
      result: t.field({
        type: result,
        nullable: true,
        description: 'Null until succeeded.',
        resolve: ({ job }) => (job.status === 'Succeeded' ? job.result : null),
      }),
    }),
  });

  const payload = builder.objectRef<SubmitPayload>(submitPayloadName(type.name)).implement({
    fields: (t) => ({
      jobId: t.id({ resolve: ({ job }) => job.id }),
      statusUrl: t.field({ type: 'URL', description: 'GET it to poll.', resolve: ({ job }) => job.statusUrl }),
      job: t.expose('job', { type: object }),
      accessToken: t.string({
        description:
          'With it alone, as a bearer token or as `access_token` in the URL, whoever has it can read and cancel this one job, until it expires.',
        resolve: ({ job: { job } }, _, { service }) => service.accessToken(job),
      }),
      replayed: t.exposeBoolean('replayed', {
        description: 'Whether an earlier submission with the same idempotency key had made the job.',
      }),
    }),
  });

  builder.mutationField(`submit${name}`, (t) =>
    t.field({
      type: payload,
      // One submission that fails leaves the results of the others in the reply.
      nullable: true,
      description: type.description,
      args: {
        input: t.arg({ type: input, required: true }),
        idempotencyKey: t.arg.string({
          description:
            'The same key gives the same job, as long as it can be read: 1 to 255 printable ASCII characters. The header Idempotency-Key does the same.',
        }),
      },
      async resolve(_, { input: value, idempotencyKey }, context): Promise<SubmitPayload> {
        const { service, caller, requestId, idempotencyKeyHeader } = context;
        const key = readIdempotencyKey(idempotencyKey ?? undefined, idempotencyKeyHeader);
        const { job, replayed } = await service.submit({ type, input: value, caller, requestId, idempotencyKey: key });
        return { job: toJobSource(job, context), replayed };
      },
    }),
  );

  if (type.resource === undefined) return;
  builder.queryField(type.name, (t) =>
    t.field({
      type: result,
      nullable: true,
      args: { id: t.arg.id({ required: true }) },
      resolve: (_, { id }, { service, caller }) => service.findResource(type, id, caller),
    }),
  );
}
