import { z } from 'zod';
import { parseInput } from '../../core/input/parse-input.ts';

/** How a poller wants to be answered. Names and values are case-insensitive. */
const pollOptionsSchema = z.object({
  /** While the job is not done: 202, the same with 200, or the reply held until it is done. */
  onpending: z.enum(['accepted', 'ok', 'synchronous']).default('accepted'),
  /** When it is done: 303 to where the result is, 200 with the result, or 200 with the job. */
  oncomplete: z.enum(['redirect', 'stream', 'status']).default('redirect'),
});

export type PollOptions = z.output<typeof pollOptionsSchema>;

const querySchema = z.record(z.string(), z.unknown());
const DEFAULTS = pollOptionsSchema.parse({});

/** @throws ServiceError `invalid-input` that names the parameter */
export function readPollOptions(query: unknown): PollOptions {
  const entries = Object.entries(querySchema.parse(query));
  if (entries.length === 0) return DEFAULTS;
  const lowered = Object.fromEntries(
    entries.map(([name, value]) => [name.toLowerCase(), typeof value === 'string' ? value.toLowerCase() : value]),
  );
  return parseInput(pollOptionsSchema, lowered);
}
