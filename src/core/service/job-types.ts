/** Job types as operators see them, and what they do with them. */
import { type Caller, requireScope } from '../access/caller.ts';
import type { JobType } from '../define-job.ts';
import { ServiceError } from '../errors.ts';
import type { JobTypeSchedule, JobTypeStats } from '../job-type-stats.ts';
import { AUDIT, type JobQueue, type Logger } from '../ports.ts';
import type { Registry } from '../registry.ts';
import { type Schedules, timezoneOf } from '../schedule.ts';

/** Needs the scope `admin`. */
export interface JobTypeService {
  /** All types, and those whose files are gone for as long as they have jobs. */
  listTypes(caller: Caller): Promise<readonly JobTypeStats[]>;
  /**
   * Lets workers finish the jobs of a type that run, and take no others until it is resumed. Doing it again makes no difference.
   * @throws ServiceError `not-found`
   */
  pauseType(name: string, caller: Caller): Promise<JobTypeStats>;
  /** @throws ServiceError `not-found` */
  resumeType(name: string, caller: Caller): Promise<JobTypeStats>;
}

export interface JobTypeServiceOptions {
  readonly registry: Registry;
  readonly queue: JobQueue;
  readonly schedules: Schedules;
  readonly logger: Logger;
}

export function createJobTypeService({ registry, queue, schedules, logger }: JobTypeServiceOptions): JobTypeService {
  async function read(name: string, nextRuns = schedules.readNextRuns()): Promise<JobTypeStats> {
    const type = registry.get(name);
    const state = await queue.readTypeState(name);
    return { name, description: type?.description ?? null, ...state, schedule: scheduleOf(type, await nextRuns) };
  }

  async function change(
    action: string,
    name: string,
    caller: Caller,
    tell: () => Promise<void>,
  ): Promise<JobTypeStats> {
    const { id } = requireScope(caller, 'admin');
    if (registry.get(name) === undefined && !queue.has(name))
      throw new ServiceError('not-found', 'There is no job type with this name.');
    await tell();
    logger.info({ action, caller: id, type: name }, AUDIT);
    return read(name);
  }

  return {
    async listTypes(caller) {
      requireScope(caller, 'admin');
      const names = [...registry.types, ...registry.builtIn].map(({ name }) => name);
      const nextRuns = schedules.readNextRuns();
      const all = await Promise.all([...names, ...queue.removedTypes()].map((name) => read(name, nextRuns)));
      return all.filter((stats) => stats.description !== null || hasJobs(stats));
    },
    pauseType: (name, caller) => change('pause', name, caller, () => queue.pauseType(name)),
    resumeType: (name, caller) => change('resume', name, caller, () => queue.resumeType(name)),
  };
}

function scheduleOf(type: JobType | undefined, nextRuns: ReadonlyMap<string, Date>): JobTypeSchedule | null {
  if (type?.schedule === undefined) return null;
  const { cron } = type.schedule;
  return { cron, timezone: timezoneOf(type.schedule), nextRunAt: nextRuns.get(type.name)?.toISOString() ?? null };
}

function hasJobs({ counts: { pending, running, succeeded, failed, canceled } }: JobTypeStats): boolean {
  return pending + running + succeeded + failed + canceled > 0;
}
