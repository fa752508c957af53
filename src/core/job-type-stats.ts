/** What operators see of a job type, on both APIs alike. */
import { z } from 'zod';

/** Minutes of `history`. */
export const HISTORY_MINUTES = 60;
/** How many of the latest jobs that succeeded the percentiles are computed from. */
export const SAMPLED_RUNS = 100;
/** On PostgreSQL, how many jobs of one status are counted one by one; on the embedded store, which has no statistics, ten times as many. */
export const MAX_COUNTED = 1000;

/** GraphQL's Int. */
const count = z.int().min(0).max(2_147_483_647);
const series = z.array(count).max(HISTORY_MINUTES);

export const jobCountsSchema = z
  .object({
    pending: count.describe('Jobs that wait for a worker, for their time or for their next attempt.'),
    running: count,
    succeeded: count,
    failed: count,
    canceled: count,
    exact: z
      .boolean()
      .describe(
        `Whether each is the exact number. On PostgreSQL, more than ${MAX_COUNTED.toLocaleString('en')} jobs of one status are estimated, so that the answer does not take longer with every job.`,
      ),
  })
  .meta({ id: 'JobCounts', description: 'The jobs of a type that the queue holds, by status.' });
export type JobCounts = Readonly<z.output<typeof jobCountsSchema>>;

const throughputSchema = z.object({ succeeded: count, failed: count }).meta({
  id: 'JobTypeThroughput',
  description: 'Jobs of a type that ended in a period, also those that were removed since.',
});
export type JobTypeThroughput = Readonly<z.output<typeof throughputSchema>>;

const percentilesSchema = z
  .object({
    p50: z.number().min(0).describe('The median, in seconds.'),
    p95: z.number().min(0).describe('The 95th percentile, in seconds.'),
  })
  .meta({ id: 'Percentiles', description: `Of the latest ${SAMPLED_RUNS} jobs that succeeded.` });
export type Percentiles = Readonly<z.output<typeof percentilesSchema>>;

const historySchema = z.object({ succeeded: series, failed: series }).meta({
  id: 'JobTypeHistory',
  description: `Jobs of a type that ended in each of the last ${HISTORY_MINUTES} minutes, the oldest first; the last minute is the current one.`,
});

const scheduleSchema = z
  .object({
    cron: z.string().describe('When a job is submitted: five fields, or six with the seconds first.'),
    timezone: z.string().describe('The time zone of `cron`, such as `Europe/Berlin`.'),
    nextRunAt: z.iso
      .datetime()
      .nullable()
      .describe(
        'When the next job is due: in the past while no worker runs, and null before the first one has set the schedule.',
      ),
  })
  .meta({ id: 'JobTypeSchedule', description: 'When jobs of a type are submitted by themselves.' });
export type JobTypeSchedule = Readonly<z.output<typeof scheduleSchema>>;

export const jobTypeStatsSchema = z
  .object({
    name: z.string(),
    description: z.string().nullable().describe('Null for a type that a later version of the server has removed.'),
    paused: z.boolean().describe('Whether workers take no jobs of this type.'),
    counts: jobCountsSchema,
    lastMinute: throughputSchema,
    lastHour: throughputSchema,
    lastDay: throughputSchema,
    oldestWaitingSeconds: z
      .number()
      .min(0)
      .nullable()
      .describe(
        'For how long a job has been ready and has waited for a worker, the longest of all; null when none waits.',
      ),
    duration: percentilesSchema.nullable().describe('How long attempts took, from start to end; null without samples.'),
    waiting: percentilesSchema
      .nullable()
      .describe('How long jobs were ready before their first attempt started; null without samples.'),
    history: historySchema,
    schedule: scheduleSchema.nullable().describe('Null for a type that callers alone submit.'),
  })
  .meta({ id: 'JobTypeStats', description: 'The state of a job type and its queue.' });
export type JobTypeStats = Readonly<z.output<typeof jobTypeStatsSchema>>;

/** The part that the queue knows. */
export type JobTypeState = Omit<JobTypeStats, 'name' | 'description' | 'schedule'>;
