import type { JobType } from '../define-job.ts';
import type { DoneJob, Webhook } from '../job.ts';
import { type JobView, LazyJobView, jobViewSchema } from '../job-view.ts';
import { createUrls } from '../urls.ts';
import { z } from 'zod';
import { EVENTS, eventOf } from './delivery.ts';

/** What is sent has fewer bytes. */
export const MAX_BODY_BYTES = 20_480;

/** What receivers get, by the names of Standard Webhooks 1.0.0 (section "Payload structure"). */
export const eventSchema = z
  .object({
    type: z.enum(EVENTS),
    timestamp: z.date().describe('When the job ended.'),
    data: jobViewSchema,
  })
  .meta({ id: 'WebhookEvent', description: 'The end of a job, without its result, to which `resultUrl` leads.' });

// The schema's own keys are those of the view.
const FIELDS = Object.keys(jobViewSchema.shape) as (keyof JobView)[];

/**
 * The body of each attempt of a delivery, which is the same each time. Where a job's history is too long for it, the oldest attempts are left out.
 * @param type undefined for a job whose type has no file any more
 */
export function toEventBody(job: DoneJob, type: JobType | undefined, { base }: Webhook): string {
  const view = new LazyJobView({
    job,
    type,
    urls: createUrls(base),
    retryAfterOf: () => null,
    queuePositionOf: () => null,
    showsCaller: false,
  });
  const data = Object.fromEntries(FIELDS.map((field) => [field, view[field]]));
  let history = view.history;
  for (;;) {
    const event = { type: eventOf(job), timestamp: job.finishedAt, data: { ...data, history } };
    const body = JSON.stringify(event);
    if (Buffer.byteLength(body) < MAX_BODY_BYTES || history.length === 0) return body;
    history = history.slice(Math.ceil(history.length / 2));
  }
}
