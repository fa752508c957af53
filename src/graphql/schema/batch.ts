import { type InputRef, type ObjectRef } from '@pothos/core';
import type { GraphQLResolveInfo } from 'graphql';
import { z } from 'zod';
import { type BatchView, toBatchView } from '../../core/batch/batch-view.ts';
import { type Batch, MAX_BATCH_ITEMS } from '../../core/batch/batch.ts';
import { countItems, requireBatchSize } from '../../core/batch/submit-batch.ts';
import type { JobType } from '../../core/define-job.ts';
import { type InputIssue, PROBLEMS, ServiceError } from '../../core/errors.ts';
import { invalidInput, parseInput } from '../../core/input/parse-input.ts';
import { collectionName } from '../../core/type-name.ts';
import type { Builder, GraphQLContext, SchemaTypes } from '../builder.ts';
import { type JobConnectionObject, listJobs } from './job-connection.ts';
import { type JobSource, type JobStatusEnum, toJobSource } from './job.ts';
import type { OneOfReader } from './one-of.ts';
import { IDEMPOTENCY_KEY, lazyReader, readKey } from './submit.ts';
import { OPTIONS_PATH, type SubmitOptionsInput, readSubmitOptions } from './submit-options.ts';

/** The types that do not depend on job types. */
export const BATCH_TYPES = ['JobBatch', 'JobBatchCounts', 'JobBatchError', 'JobBatchIssue'];

/** The types for the batches of a job type. */
export function batchTypeNames({ collection }: Pick<JobType, 'collection'>) {
  const name = collectionName(collection);
  return { field: `submit${name}`, payload: `Submit${name}Payload`, item: `Submit${name}Item` };
}

/** Not an Error, which would count as one of the field that shows it. */
type ItemError = Pick<ServiceError, 'problem' | 'message' | 'issues'>;

export type BatchTypes = ReturnType<typeof addBatches>;

const waitSchema = z.object({ waitSeconds: z.int().min(0).nullish() });

function toView(batch: Batch, { urls, service }: GraphQLContext): BatchView {
  return toBatchView(batch, urls, service.batchRetryAfter(batch));
}

/** Adds batches, and the operations that apply to those of every job type. */
export function addBatches(builder: Builder, connection: JobConnectionObject, jobStatus: JobStatusEnum) {
  const counts = builder.objectRef<Batch['counts']>('JobBatchCounts').implement({
    description: 'How many jobs of a batch have each status.',
    fields: (t) => ({
      pending: t.exposeInt('pending'),
      running: t.exposeInt('running'),
      succeeded: t.exposeInt('succeeded'),
      failed: t.exposeInt('failed'),
      canceled: t.exposeInt('canceled'),
    }),
  });
  const batch = builder.objectRef<BatchView>('JobBatch').implement({
    description: 'The jobs that one mutation submitted together.',
    fields: (t) => ({
      id: t.exposeID('id'),
      type: t.exposeString('type', { description: 'Name of the job type.' }),
      tag: t.exposeString('tag', {
        description: 'The tag that the jobs of the batch share, by which lists can be filtered.',
      }),
      createdAt: t.expose('createdAt', { type: 'DateTime' }),
      total: t.exposeInt('total', {
        description: 'How many jobs it has; those that have expired no longer count.',
      }),
      counts: t.expose('counts', { type: counts }),
      done: t.exposeBoolean('done', { description: 'Whether all of its jobs are done.' }),
      percentComplete: t.exposeInt('percentComplete', {
        description: 'The share of its jobs that are done, rounded down.',
      }),
      statusUrl: t.expose('statusUrl', { type: 'URL', description: 'The REST URL to poll.' }),
      resultsUrl: t.expose('resultsUrl', {
        type: 'URL',
        description: 'The REST URL of the results of its jobs, in the order of the items.',
      }),
      retryAfter: t.exposeInt('retryAfter', {
        nullable: true,
        description: 'Seconds to wait before the next poll; null when all jobs are done.',
      }),
      jobs: t.field({
        type: connection,
        description: 'Its jobs, in no particular order.',
        args: {
          status: t.arg({ type: [jobStatus], description: 'Only jobs in any of these states.' }),
          first: t.arg.int({
            defaultValue: 20,
            description: 'Size of the page, from 1 to 100; the page is shorter where results are large.',
          }),
          after: t.arg.string({ description: 'The `endCursor` of the previous page.' }),
        },
        resolve: ({ type, tag }, args, context) => listJobs({ ...args, filter: { type, tag } }, context),
      }),
    }),
  });
  const issue = builder.objectRef<InputIssue>('JobBatchIssue').implement({
    description: 'One error in an item.',
    fields: (t) => ({
      path: t.stringList({
        description: 'Field names and indexes of lists, from the root of the item.',
        resolve: ({ path }) => path.map(String),
      }),
      message: t.exposeString('message'),
    }),
  });
  const error = builder.objectRef<ItemError>('JobBatchError').implement({
    description: 'Why an item was not accepted.',
    fields: (t) => ({
      code: t.string({
        description: 'As in `extensions.code` of an error.',
        resolve: ({ problem }) => PROBLEMS[problem].code,
      }),
      message: t.exposeString('message'),
      issues: t.expose('issues', { type: [issue], description: 'At most 20, and 1,000 of all items together.' }),
    }),
  });

  builder.queryField('batch', (t) =>
    t.field({
      type: batch,
      nullable: true,
      extensions: { access: { scope: 'read' } },
      description: 'How far a batch is; null if no batch has this id.',
      args: {
        id: t.arg.id({ required: true }),
        waitSeconds: t.arg.int({
          defaultValue: 0,
          description: 'Holds the reply until all jobs are done, for at most this many seconds. The maximum is 50.',
        }),
      },
      async resolve(_, { id, waitSeconds: seconds }, context) {
        const { waitSeconds } = parseInput(waitSchema, { waitSeconds: seconds });
        const { service, caller } = context;
        const found = await service.waitForBatch(id, caller, waitSeconds ?? 0, context.whenGone());
        return found && toView(found, context);
      },
    }),
  );
  builder.mutationField('cancelBatch', (t) =>
    t.field({
      type: batch,
      nullable: true,
      extensions: { access: { scope: 'submit' } },
      description:
        'Cancels all jobs of a batch that are not done: PENDING ones at once, RUNNING ones as soon as their worker stops them.',
      args: { id: t.arg.id({ required: true }) },
      resolve: async (_, { id }, context) => toView(await context.service.cancelBatch(id, context.caller), context),
    }),
  );
  builder.subscriptionField('batchChanges', (t) =>
    t.field({
      type: batch,
      extensions: { access: { scope: 'read' } },
      description:
        'The current state of a batch, then its state after changes of its counts, at most twice a second. The stream ends when all jobs are done.',
      args: { id: t.arg.id({ required: true }) },
      async *subscribe(_, { id }, { service, caller, whenGone, breakOff }) {
        yield* service.watchBatch(id, caller, whenGone());
        // Ending the stream would send `complete`, after which clients do not reconnect.
        if (service.stopping.aborted) await breakOff();
      },
      resolve(changed: Batch, _, context) {
        context.budget.renew();
        return toView(changed, context);
      },
    }),
  );
  return { batch, error };
}

interface Item {
  readonly index: number;
  readonly job: JobSource | undefined;
  readonly error: ItemError | undefined;
}

interface Payload {
  readonly batch: BatchView;
  readonly items: readonly Item[];
  readonly replayed: boolean;
}

export interface BatchMutationTypes extends BatchTypes {
  /** The object type of the jobs. */
  readonly job: ObjectRef<SchemaTypes, JobSource>;
  /** Of one job. */
  readonly input: InputRef;
  readonly submitOptions: SubmitOptionsInput;
}

/** Adds the mutation that submits many jobs of a type. */
export function addBatchMutation(
  builder: Builder,
  type: JobType,
  { job, input, submitOptions, batch, error }: BatchMutationTypes,
): void {
  const names = batchTypeNames(type);
  const readerOf = lazyReader('inputs');
  const item = builder.objectRef<Item>(names.item).implement({
    description: 'What became of one input: a job, or what is wrong with it.',
    fields: (t) => ({
      index: t.exposeInt('index', { description: 'Of the input, from 0.' }),
      job: t.expose('job', { type: job, nullable: true }),
      error: t.expose('error', { type: error, nullable: true }),
    }),
  });
  const payload = builder.objectRef<Payload>(names.payload).implement({
    fields: (t) => ({
      batch: t.expose('batch', { type: batch }),
      items: t.expose('items', { type: [item], description: 'One for each input, in their order.' }),
      replayed: t.exposeBoolean('replayed', {
        description: 'Whether an earlier submission with the same idempotency key created the jobs.',
      }),
    }),
  });

  builder.mutationField(names.field, (t) =>
    t.field({
      type: payload,
      nullable: true,
      extensions: { access: { scope: 'submit' } },
      description: `Submits many jobs at once. Each input is checked by itself, and the queue takes the jobs of all that are valid in one step.\n\n${type.description}`,
      args: {
        inputs: t.arg({
          type: [input],
          required: true,
          description: `1 to ${MAX_BATCH_ITEMS.toLocaleString('en')}.`,
        }),
        idempotencyKey: t.arg.string({
          description: IDEMPOTENCY_KEY.replaceAll('same job until the job expires', 'same batch until its jobs expire'),
        }),
        options: t.arg({ type: submitOptions, description: 'Of all of the jobs.' }),
      },
      async resolve(_, { inputs, idempotencyKey, options }, context, info: GraphQLResolveInfo): Promise<Payload> {
        const { service, budget, caller, requestId, trace } = context;
        requireBatchSize(inputs.length, INPUTS_PATH);
        // The reply has an item for each of them.
        budget.takeItems(inputs, info);
        await countItems(inputs.length, context);
        const reader = readerOf(info);
        const submission = {
          type,
          inputs: reader === undefined ? inputs : inputs.map((each) => reader.toTagged(each)),
          path: INPUTS_PATH,
          options: { given: readSubmitOptions(options), path: OPTIONS_PATH, base: context.urls.base },
          caller,
          requestId,
          trace,
          field: info.fieldName,
          idempotencyKey: readKey(idempotencyKey, context, info),
        };
        try {
          const submitted = await service.submitBatch(submission);
          const items = submitted.items.map((outcome, index): Item => {
            if ('job' in outcome) return { index, job: toJobSource(outcome.job, context), error: undefined };
            return { index, job: undefined, error: asWritten(outcome.error, reader, inputs[index]) };
          });
          return { batch: toView(submitted.batch, context), items, replayed: submitted.replayed };
        } catch (cause) {
          throw cause instanceof ServiceError ? allAsWritten(cause, reader, inputs) : cause;
        }
      },
    }),
  );
}

const INPUTS_PATH = ['inputs'];

/** An error about an input, with paths as the caller has written it. */
function asWritten(
  { problem, message, issues }: ServiceError,
  reader: OneOfReader | undefined,
  input: unknown,
): ItemError {
  if (reader === undefined) return { problem, message, issues };
  const written = issues.map((each) => ({ ...each, path: reader.toWrittenPath(each.path, input) }));
  return { problem, message: written.length > 0 ? invalidInput(written).message : message, issues: written };
}

/** The same about all inputs, or about something else. */
function allAsWritten(error: ServiceError, reader: OneOfReader | undefined, inputs: unknown): ServiceError {
  if (reader === undefined || error.problem !== 'invalid-input') return error;
  return invalidInput(
    error.issues.map(({ path, message }) => {
      const [argument, ...rest] = path;
      if (argument !== INPUTS_PATH[0]) return { path, message };
      return { path: [...INPUTS_PATH, ...reader.toWrittenPath(rest, inputs)], message };
    }),
  );
}
