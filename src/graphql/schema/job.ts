import { z } from 'zod';
import { isAdmin } from '../../core/access/caller.ts';
import { parseInput } from '../../core/input/parse-input.ts';
import { type Job, type JobAttempt, type JobFailure, jobStatusSchema } from '../../core/job.ts';
import { LazyJobView } from '../../core/job-view.ts';
import type { Builder, GraphQLContext } from '../builder.ts';
import { DELIVERIES, type DeliveryObject } from './webhook.ts';

/** The object from which GraphQL reads the fields of a job. */
export type JobSource = LazyJobView;

export function toJobSource(job: Job, { service, urls, caller }: GraphQLContext): JobSource {
  return new LazyJobView({
    job,
    type: service.registry.get(job.type),
    urls,
    retryAfterOf: service.retryAfter,
    queuePositionOf: service.queuePosition,
    showsCaller: isAdmin(caller),
  });
}

/** The same for the one job that a request is about. */
export function toAnswer(job: Job, context: GraphQLContext): JobSource {
  context.facts.jobId ??= job.id;
  return toJobSource(job, context);
}

export type JobInterface = ReturnType<typeof addJobInterface>;
export type JobStatusEnum = ReturnType<typeof addJobStatus>;

export function addJobStatus(builder: Builder) {
  return builder.enumType('JobStatus', {
    description:
      'PENDING → RUNNING → SUCCEEDED, FAILED or CANCELED. A job that waits for its next attempt is PENDING again.',
    values: Object.fromEntries(jobStatusSchema.options.map((status) => [status.toUpperCase(), { value: status }])),
  });
}

/**
 * Adds the interface that the jobs of all types implement. Each field is a property of JobView.
 * @param typeName maps the name of a job type to the name of its object type
 */
export function addJobInterface(
  builder: Builder,
  jobStatus: JobStatusEnum,
  delivery: DeliveryObject,
  typeName: (jobType: string) => string,
) {
  const jobError = builder.objectRef<JobFailure>('JobError').implement({
    description: 'Why a job did not succeed.',
    fields: (t) => ({
      code: t.exposeString('code', { description: 'JOB_FAILED, or a code that the job type defines.' }),
      message: t.exposeString('message'),
    }),
  });
  const jobAttempt = builder.objectRef<JobAttempt>('JobAttempt').implement({
    description: 'An attempt that did not succeed.',
    fields: (t) => ({
      attempt: t.exposeInt('attempt', { description: 'Number of the attempt, from 1.' }),
      startedAt: t.expose('startedAt', { type: 'DateTime' }),
      finishedAt: t.expose('finishedAt', { type: 'DateTime' }),
      error: t.expose('error', { type: jobError }),
    }),
  });
  return builder.interfaceRef<JobSource>('Job').implement({
    description: 'An accepted request for work.',
    resolveType: ({ type }) => typeName(type),
    fields: (t) => ({
      id: t.exposeID('id'),
      type: t.exposeString('type', { description: 'Name of the job type.' }),
      status: t.expose('status', { type: jobStatus }),
      done: t.exposeBoolean('done', { description: 'Whether the status is final.' }),
      cancelRequested: t.exposeBoolean('cancelRequested', {
        description: 'Whether the RUNNING job was told to stop.',
      }),
      percentComplete: t.exposeInt('percentComplete', { description: '0 to 100; 100 when the job has succeeded.' }),
      message: t.exposeString('message', { nullable: true, description: 'The latest progress message.' }),
      attempt: t.exposeInt('attempt', { description: 'Attempts started so far.' }),
      maxAttempts: t.exposeInt('maxAttempts', { description: 'Maximum number of attempts.' }),
      createdAt: t.expose('createdAt', { type: 'DateTime' }),
      lastUpdatedAt: t.expose('lastUpdatedAt', { type: 'DateTime' }),
      startedAt: t.expose('startedAt', { type: 'DateTime', nullable: true }),
      finishedAt: t.expose('finishedAt', { type: 'DateTime', nullable: true }),
      expiresAt: t.expose('expiresAt', {
        type: 'DateTime',
        nullable: true,
        description: 'When the finished job is removed; null until it is done.',
      }),
      scheduledFor: t.expose('scheduledFor', {
        type: 'DateTime',
        nullable: true,
        description: 'The time before which it was to wait; null for a job without one.',
      }),
      startBefore: t.expose('startBefore', {
        type: 'DateTime',
        nullable: true,
        description:
          'If no attempt has begun by this time, the job ends as CANCELED with the code JOB_EXPIRED; null for a job without one.',
      }),
      priority: t.exposeInt('priority', {
        description: '0 to 9: of the jobs of a type that one caller has waiting, those with a higher one run first.',
      }),
      tags: t.exposeStringList('tags', { description: 'Those of its submission.' }),
      queuePosition: t.exposeInt('queuePosition', {
        nullable: true,
        description:
          'About how many jobs workers take before this one; null where that is not known: beyond the first 1,000, and for a job that does not wait for a worker.',
      }),
      caller: t.exposeString('caller', {
        nullable: true,
        description: 'The id of the caller that submitted the job, for admins; null for others.',
      }),
      error: t.expose('error', {
        type: jobError,
        nullable: true,
        description: 'Why the job is FAILED or CANCELED; null in any other status.',
      }),
      statusUrl: t.expose('statusUrl', { type: 'URL', description: 'The REST URL to poll.' }),
      resultUrl: t.expose('resultUrl', {
        type: 'URL',
        nullable: true,
        description: 'The REST URL of the result; null until the job has succeeded.',
      }),
      resourceUrl: t.expose('resourceUrl', {
        type: 'URL',
        nullable: true,
        description:
          'The REST URL of the resource that the job created; null until the job has succeeded, or if its type has none.',
      }),
      retryAfter: t.exposeInt('retryAfter', {
        nullable: true,
        description: 'Seconds to wait before the next poll; null when the job is done.',
      }),
      traceId: t.exposeString('traceId', {
        nullable: true,
        description: 'The id of the trace of the submission (W3C Trace Context); null if it was not traced.',
      }),
      history: t.expose('history', {
        type: [jobAttempt],
        description: 'The attempts that did not succeed, oldest first; a retry keeps them.',
      }),
      deliveries: t.field({
        type: [delivery],
        ...DELIVERIES,
        async resolve({ job }, _, { service, caller, budget }, info) {
          const deliveries = await service.readDeliveries(job, caller);
          budget.takeItems(deliveries, info);
          return deliveries;
        },
      }),
    }),
  });
}

const waitSchema = z.object({ waitSeconds: z.int().min(0) });

/** Adds the operations that apply to jobs of every type. */
export function addJobOperations(builder: Builder, job: JobInterface): void {
  builder.queryField('jobStatus', (t) =>
    t.field({
      type: job,
      nullable: true,
      extensions: { access: { scope: 'read', jobKey: true } },
      description:
        'The current state of a job; null if no job has this id, with an error of the code EXPIRED for one that the caller had until it expired.',
      args: {
        id: t.arg.id({ required: true }),
        waitSeconds: t.arg.int({
          defaultValue: 0,
          description: 'Holds the reply until the job is done, for at most this many seconds. The maximum is 60.',
        }),
      },
      async resolve(_, { id, waitSeconds }, context) {
        const { service, caller } = context;
        const found = waitSeconds ? await wait(id, waitSeconds, context) : await service.read(id, caller);
        return found && toAnswer(found, context);
      },
    }),
  );
  // Root fields of mutations are nullable, so that one that fails leaves the results of the others in the reply.
  builder.mutationFields((t) => ({
    cancelJob: t.field({
      type: job,
      nullable: true,
      extensions: { access: { scope: 'submit', jobKey: true } },
      description: 'Cancels a job: a PENDING job at once, a RUNNING job as soon as its worker stops it.',
      args: { id: t.arg.id({ required: true }) },
      resolve: async (_, { id }, context) => toAnswer(await context.service.cancel(id, context.caller), context),
    }),
    retryJob: t.field({
      type: job,
      nullable: true,
      extensions: { access: { scope: 'submit' } },
      description: 'Returns a FAILED or CANCELED job to the queue, with all its attempts available again.',
      args: { id: t.arg.id({ required: true }) },
      resolve: async (_, { id }, context) => toAnswer(await context.service.retry(id, context.caller), context),
    }),
  }));
  builder.subscriptionField('jobUpdates', (t) =>
    t.field({
      type: job,
      extensions: { access: { scope: 'read', jobKey: true } },
      description:
        'The current state of the job, then its state after each change. The stream ends when the job is done.',
      args: { id: t.arg.id({ required: true }) },
      async *subscribe(_, { id }, { service, caller, whenGone, breakOff }) {
        yield* service.watch(id, caller, whenGone());
        // Ending the stream would send `complete`, after which clients do not reconnect.
        if (service.stopping.aborted) await breakOff();
      },
      resolve(changed: Job, _, context) {
        context.budget.renew();
        return toAnswer(changed, context);
      },
    }),
  );
}

/** The job of one event of a subscription. */
export function toChanged(job: Job, context: GraphQLContext): JobSource {
  context.budget.renew();
  return toJobSource(job, context);
}

function wait(id: string, seconds: number, { service, caller, whenGone }: GraphQLContext): Promise<Job | undefined> {
  const { waitSeconds } = parseInput(waitSchema, { waitSeconds: seconds });
  return service.wait(id, caller, waitSeconds, whenGone());
}
