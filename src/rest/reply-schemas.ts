/** The bodies that this face makes itself. */
import { z } from 'zod';
import { jobFailureSchema } from '../core/job.ts';
import { jobViewSchema } from '../core/job-view.ts';

export const submittedJobSchema = jobViewSchema
  .extend({
    accessToken: z
      .string()
      .describe(
        'With it alone, as a bearer token or as `access_token` in the URL, whoever has it can read and cancel this one job, until it expires.',
      ),
  })
  .meta({ id: 'SubmittedJob', description: 'A job as it is now, with the key to it.' });
export type SubmittedJob = Readonly<z.output<typeof submittedJobSchema>>;

export const jobListSchema = z
  .object({
    items: z.array(jobViewSchema).describe('Newest first.'),
    nextCursor: z.string().nullable().describe('The `cursor` of the next page; null on the last one.'),
  })
  .meta({ id: 'JobList' });

/** The status monitor of Azure's guidelines for long-running operations. */
export const operationSchema = z.object({
  id: z.string().describe("The job's id."),
  status: z
    .enum(['NotStarted', 'Running', 'Succeeded', 'Failed', 'Canceled'])
    .describe('NotStarted is a job that is Pending; the last three are final.'),
  percentComplete: z.int().min(0).max(100),
  createdDateTime: z.date(),
  lastActionDateTime: z.date(),
  error: jobFailureSchema.optional().describe('Only for Failed and Canceled.'),
  resourceLocation: z.url().optional().describe("The result's URL, once there is one."),
});

/** Problem details (RFC 9457, section 3.1), with the members that this API adds. */
export const problemSchema = z
  .object({
    type: z
      .string()
      .meta({ format: 'uri-reference' })
      .describe('Says which problem this is, and is a page that explains it.'),
    title: z.string().describe('The same for every problem of this type.'),
    status: z.int().min(400).max(599).describe('The HTTP status code.'),
    detail: z.string().optional().describe('What went wrong this time, for people.'),
    instance: z.string().meta({ format: 'uri-reference' }).optional().describe("The request's path and query."),
    errors: z
      .array(
        z.object({
          pointer: z.string().describe('A JSON Pointer (RFC 6901) into the input, as a URI fragment.'),
          detail: z.string(),
        }),
      )
      .optional()
      .describe('For invalid input: what is wrong, at most 20 entries.'),
    errorId: z.string().optional().describe('For our own mistakes: the log has the cause under this id.'),
  })
  .meta({ id: 'Problem', description: 'What went wrong (RFC 9457).' });

export const healthSchema = z.object({ status: z.literal('ok') }).meta({ id: 'Health' });
export const unhealthySchema = z
  .object({
    status: z.literal('unavailable'),
    missing: z.array(z.string()).describe('What the process cannot reach.'),
  })
  .meta({ id: 'Unhealthy' });
