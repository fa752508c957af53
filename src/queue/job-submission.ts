import { z } from 'zod';
import type { JobOptions } from '../core/job.ts';

/**
 * What BullMQ's job options hold of a submission's: all of it, as readers see it, and apart from that the time by which an attempt must begin,
 * in milliseconds since 1970, which goes when one has.
 */
export function toSubmission(options: JobOptions) {
  const { scheduledFor, startBefore, priority, tags } = options;
  const submission = { scheduledFor: scheduledFor?.getTime(), startBefore: startBefore?.getTime(), priority, tags };
  return { submission, startBy: startBefore?.getTime() };
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
    tags: z.array(z.string()).optional(),
  })
  .optional()
  .catch(undefined);

/** @param submission of BullMQ's job options, or of a record */
export function fromSubmission(submission: unknown): JobOptions | undefined {
  return submission == null ? undefined : submissionSchema.parse(submission);
}
