/** The JSON bodies that the REST API makes itself, and what serializes them. */
import fastJson from 'fast-json-stringify';
import { z } from 'zod';
import type { JobType } from '../core/define-job.ts';
import { pascalCase } from '../core/type-name.ts';
import { batchViewSchema } from '../core/batch/batch-view.ts';
import { MAX_BATCH_ITEMS } from '../core/batch/batch.ts';
import { jobFailureSchema, jobStatusSchema } from '../core/job.ts';
import { jobTypeStatsSchema } from '../core/job-type-stats.ts';
import { jobViewSchema } from '../core/job-view.ts';
import { toJsonSchema } from '../core/input/json-schema.ts';

export const submittedJobSchema = jobViewSchema
  .extend({
    accessToken: z
      .string()
      .describe(
        'Grants reading and canceling this one job, and nothing else, until it expires: as a bearer token, or as `access_token` in the URL.',
      ),
  })
  .meta({ id: 'SubmittedJob', description: 'A job in its current state, with an access token for it.' });
export type SubmittedJob = Readonly<z.output<typeof submittedJobSchema>>;

export const jobListSchema = z
  .object({
    items: z.array(jobViewSchema).describe('Newest first.'),
    nextCursor: z.string().nullable().describe('The `cursor` of the next page; null on the last page.'),
  })
  .meta({ id: 'JobList' });

export const jobTypeListSchema = z.object({ items: z.array(jobTypeStatsSchema) }).meta({ id: 'JobTypeList' });

/** The status monitor of Azure's guidelines for long-running operations. */
export const operationSchema = z
  .object({
    id: z.string().describe("The job's id."),
    status: z
      .enum(['NotStarted', 'Running', 'Succeeded', 'Failed', 'Canceled'])
      .describe('NotStarted stands for Pending; the last three are final.'),
    percentComplete: z.int().min(0).max(100),
    createdDateTime: z.date(),
    lastActionDateTime: z.date(),
    error: jobFailureSchema.optional().describe('Only for Failed and Canceled.'),
    resourceLocation: z.url().optional().describe("The result's URL, once the job has succeeded."),
  })
  .meta({ id: 'Operation' });

/** Problem details (RFC 9457, section 3.1), with the members that this API adds. */
export const problemSchema = z
  .object({
    type: z
      .string()
      .meta({ format: 'uri-reference' })
      .describe('Identifies the problem type; dereferences to a page that explains it.'),
    title: z.string().describe('The same for every problem of this type.'),
    status: z.int().min(400).max(599).describe('The HTTP status code.'),
    detail: z.string().optional().describe('What went wrong this time, in words for people.'),
    instance: z.string().meta({ format: 'uri-reference' }).optional().describe("The request's path and query."),
    code: z.string().optional().describe('For a job that failed or was canceled: the code of its error.'),
    errors: z
      .array(
        z.object({
          pointer: z.string().describe('A JSON Pointer (RFC 6901) into the input, as a URI fragment.'),
          detail: z.string(),
        }),
      )
      .optional()
      .describe('For invalid input: what is wrong, at most 20 entries.'),
    errorId: z.string().optional().describe('For unexpected errors: the log entry with the cause has this id.'),
  })
  .meta({ id: 'Problem', description: 'An error (RFC 9457).' });

/** The outcome of one item: a job, or what is wrong with it. */
const batchItemSchema = z
  .object({
    index: z
      .int()
      .min(0)
      .max(MAX_BATCH_ITEMS - 1)
      .describe('Of the item in the request, from 0.'),
    job: jobViewSchema.optional().describe('The job, if the item was accepted.'),
    error: problemSchema
      .omit({ instance: true, code: true, errorId: true })
      .meta({ id: 'JobBatchItemProblem' })
      .optional()
      .describe('Why it was not: `errors` has pointers into the item.'),
  })
  .meta({ id: 'JobBatchItem', description: 'What became of one item of a batch.' });

export const submittedBatchSchema = batchViewSchema
  .extend({ items: z.array(batchItemSchema).describe('One for each item of the request, in their order.') })
  .meta({ id: 'SubmittedJobBatch', description: 'A batch with what became of each item.' });
export type SubmittedBatchView = Readonly<z.output<typeof submittedBatchSchema>>;

/** One line of the results of a batch. */
export const batchResultSchema = z
  .object({
    index: z.int().min(0).describe('Of the item in the request, from 0.'),
    id: z.string().describe("The job's id."),
    status: jobStatusSchema,
    result: z.unknown().optional().describe('Of a job that has succeeded.'),
    error: jobFailureSchema.optional().describe('Of a job that failed or was canceled.'),
  })
  .meta({ id: 'JobBatchResult', description: 'A job of a batch, and its result or why there is none.' });

export const healthSchema = z.object({ status: z.literal('ok') }).meta({ id: 'Health' });
export const unhealthySchema = z
  .object({
    status: z.literal('unavailable'),
    missing: z.array(z.string()).describe('What is missing: dependencies that cannot be reached, by their names.'),
  })
  .meta({ id: 'Unhealthy' });

/** The schemas of one job type, under their names in the OpenAPI document. */
export interface JobTypeSchemas {
  readonly input: z.ZodType;
  readonly result: z.ZodType;
}

/** One schema is one component of the document, so every route has to name the same instance. */
const ofJobTypes = new WeakMap<JobType, JobTypeSchemas>();

export function schemasOf(type: JobType): JobTypeSchemas {
  const known = ofJobTypes.get(type);
  if (known !== undefined) return known;
  const { input, result, name } = type;
  const schemas: JobTypeSchemas = {
    input: input.meta({ id: `Submit${pascalCase(name)}Input` }),
    result: result.meta()?.id === undefined ? result.meta({ id: `${pascalCase(name)}Result` }) : result,
  };
  ofJobTypes.set(type, schemas);
  return schemas;
}

type Serialize<Schema extends z.ZodType> = (value: Readonly<z.output<Schema>>) => string;

/** Makes the same bytes as `JSON.stringify`, at a third of its cost. */
function serializerOf<Schema extends z.ZodType>(schema: Schema): Serialize<Schema> {
  // A JSON Schema may have a list of types, which the type that zod declares for it leaves out.
  return fastJson(toJsonSchema(schema, 'output') as fastJson.Schema);
}

export const serializeJob = serializerOf(jobViewSchema);
export const serializeSubmittedJob = serializerOf(submittedJobSchema);
export const serializeJobList = serializerOf(jobListSchema);
export const serializeBatch = serializerOf(batchViewSchema);
export const serializeSubmittedBatch = serializerOf(submittedBatchSchema);
export const serializeOperation = serializerOf(operationSchema);
export const serializeJobTypeStats = serializerOf(jobTypeStatsSchema);
export const serializeJobTypeList = serializerOf(jobTypeListSchema);
