import { z } from 'zod';
import type { JobOptions, Webhook } from '../core/job.ts';

/** What the tags begin with by which the stores find the jobs of a deduplication id. */
const DEDUPE = 'dedupe:';

/**
 * What BullMQ's job options hold of a submission's: all of it, as readers see it, and apart from that the time by which an attempt must begin,
 * in milliseconds since 1970, which goes when one has.
 */
export function toSubmission(options: JobOptions) {
  const { scheduledFor, startBefore, priority, tags, webhook, deduplication } = options;
  const dedupe = deduplication && {
    tag: `${DEDUPE}${deduplication.id}`,
    until: deduplication.until?.getTime(),
    mode: deduplication.mode,
  };
  const submission = {
    scheduledFor: scheduledFor?.getTime(),
    startBefore: startBefore?.getTime(),
    priority,
    tags: dedupe ? [...(tags ?? []), dedupe.tag] : tags,
    dedupe,
    webhook: webhook && { ...webhook, receiver: receiverOf(webhook) },
  };
  return { submission, startBy: startBefore?.getTime() };
}

/** Host and port, in lower case. Deliveries to one do not wait for those to another. */
export function receiverOf({ url }: Pick<Webhook, 'url'>): string {
  return new URL(url).host;
}

const optionalTime = z
  .number()
  .transform((time) => new Date(time))
  .optional();
/** Other programs may have stored anything there. */
const submissionSchema = z
  .object({
    scheduledFor: optionalTime,
    startBefore: optionalTime,
    priority: z.int().min(1).max(9).optional(),
    tags: z
      .array(z.string())
      .transform((tags) => tags.filter((tag) => !tag.startsWith(DEDUPE)))
      .optional(),
    webhook: z.object({ url: z.string(), base: z.string() }).optional(),
  })
  .optional()
  .catch(undefined);

/** @param submission of BullMQ's job options, or of a record */
export function fromSubmission(submission: unknown): JobOptions | undefined {
  return submission == null ? undefined : submissionSchema.parse(submission);
}

/** @returns the submission's priority, of which the highest goes first and 0 is that of most jobs */
export function priorityOf(submission: unknown): number {
  return fromSubmission(submission)?.priority ?? 0;
}
