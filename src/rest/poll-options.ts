import { z } from 'zod';
import { checkInput } from '../core/check-input.ts';

/** How a poller wants to be answered. Names and values are case-insensitive. */
const pollOptionsSchema = z.object({
  /** While the job is not done: 202, or the same with 200. */
  onpending: z.enum(['accepted', 'ok']).default('accepted'),
  /** When it is done: 303 to where the result is, 200 with the result, or 200 with the job. */
  oncomplete: z.enum(['redirect', 'stream', 'status']).default('redirect'),
});

export type PollOptions = z.output<typeof pollOptionsSchema>;

/** @throws ServiceError `invalid-input` that names the parameter */
export function readPollOptions(query: unknown): PollOptions {
  const lowered = Object.fromEntries(
    Object.entries(z.record(z.string(), z.unknown()).parse(query)).map(([name, value]) => [
      name.toLowerCase(),
      typeof value === 'string' ? value.toLowerCase() : value,
    ]),
  );
  checkInput(pollOptionsSchema, lowered);
  return pollOptionsSchema.parse(lowered);
}
