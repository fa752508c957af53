/** Jobs that the clock submits. */
import { z } from 'zod';
import { ServiceError } from './errors.ts';
import { parseSubmission } from './input/parse-input.ts';

/** The caller of the jobs of schedules, which no credentials belong to. */
export const SCHEDULE_CALLER = 'schedule';
const UTC = 'UTC';

/** Says at which times a job is submitted, and with what input. */
export interface Schedule<Input> {
  /**
   * Five fields, or six with the seconds first: `0 3 * * *` is each night at three. Also `@hourly`, `@daily`, `@weekly`, `@monthly` and
   * `@yearly`.
   */
  readonly cron: string;
  /**
   * The time zone of `cron`, by its name in the IANA database: `Europe/Berlin`.
   * @default 'UTC'
   */
  readonly timezone?: string;
  /** The input of each job, as a caller would send it. Checked at the start. */
  readonly input: Input;
}

export const scheduleSchema = z.strictObject({
  cron: z.string('expected a cron expression'),
  timezone: z.string('expected the name of a time zone').optional(),
  input: z.unknown(),
});

/** Says what is wrong with a cron expression in a valid time zone; undefined if it names a time. */
export type CheckCron = (cron: string, timezone: string) => string | undefined;

export function timezoneOf({ timezone = UTC }: Pick<Schedule<unknown>, 'timezone'>): string {
  return timezone;
}

/** What a schedule is checked by. */
interface ScheduledType {
  readonly input: z.ZodObject;
  readonly strictInput: z.ZodObject;
  readonly schedule?: Schedule<unknown>;
}

/** What is wrong with the schedule of a job type: a line for each problem, which begins with the field. */
export function problemsOfSchedule(type: ScheduledType, checkCron: CheckCron): string[] {
  if (type.schedule === undefined) return [];
  const { cron, input } = type.schedule;
  const timezone = timezoneOf(type.schedule);
  const problems = problemsOfInput(type, input);
  if (!isTimezone(timezone))
    return [`schedule.timezone: there is no time zone ${JSON.stringify(timezone)}`, ...problems];
  const problem = checkCron(cron, timezone);
  return problem === undefined ? problems : [`schedule.cron: ${JSON.stringify(cron)}: ${problem}`, ...problems];
}

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

function problemsOfInput(type: ScheduledType, input: unknown): string[] {
  try {
    parseSubmission(type, input);
    return [];
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return error.issues.map(({ path, message }) => `${['schedule', 'input', ...path].join('.')}: ${message}`);
  }
}

/** When the jobs of schedules are due. */
export interface Schedules {
  /** The time at which the next job of each scheduled type is due. Without those that are not known at the moment. */
  readNextRuns(): Promise<ReadonlyMap<string, Date>>;
}

/** For an API whose types have no schedules. */
export const NO_SCHEDULES: Schedules = { readNextRuns: async () => new Map() };
