/** What is about several jobs: lists, and following all that match a filter. */
import { type Caller, listedCaller, requireScope } from '../access/caller.ts';
import { invalidInput } from '../input/parse-input.ts';
import { type Job, jobStatusSchema } from '../job.ts';
import { AUDIT, type JobEvents, type JobQueue, type ListPosition, type Logger } from '../ports.ts';
import type { Registry } from '../registry.ts';
import { watchJobs } from './job-changes.ts';
import { toCursor } from './list-page.ts';
import type { JobPageRequest, JobService } from './service.ts';

export interface JobListsOptions {
  readonly registry: Registry;
  readonly queue: JobQueue;
  readonly events: JobEvents;
  readonly logger: Logger;
  isExpired(job: Job): boolean;
  /** Reads a job; undefined for one that the caller may not see. */
  see(id: string, caller: Caller): Promise<Job | undefined>;
  untilStopping(signal: AbortSignal): AbortSignal;
}

export function createJobLists(options: JobListsOptions): Pick<JobService, 'list' | 'watchAll'> {
  const { registry, queue, events, logger, isExpired, see, untilStopping } = options;

  /** @throws ServiceError `invalid-input` for an unknown type */
  function typesOf(wanted: string | undefined): string[] {
    const types = [...registry.types, ...registry.builtIn]
      .map(({ name }) => name)
      .filter((name) => name === (wanted ?? name));
    if (types.length === 0) throw invalidInput([{ path: ['type'], message: 'Unknown job type' }]);
    return types;
  }

  return {
    async list({ type, statuses = jobStatusSchema.options, caller: wanted, ...request }, caller) {
      const reader = requireScope(caller, 'read');
      const listed = listedCaller(reader, wanted);
      const { jobs, hasMore, resultCharacters } = await queue.list({
        caller: listed,
        types: typesOf(type),
        statuses: [...new Set(statuses)],
        tag: request.tag,
        after: startOf(request),
        since: request.createdAfter,
        limit: request.limit,
      });
      const others = jobs.filter((job) => job.caller !== reader.id).length;
      if (others > 0) logger.info({ action: 'list', caller: reader.id, owner: listed, jobs: others }, AUDIT);
      const last = jobs.at(-1);
      return {
        jobs: jobs.filter((job) => !isExpired(job)),
        nextCursor: last !== undefined && hasMore ? toCursor(last) : null,
        resultCharacters,
      };
    },

    async watchAll(filter, caller, signal) {
      const reader = requireScope(caller, 'read');
      const listed = listedCaller(reader, filter.caller);
      typesOf(filter.type);
      const read = (id: string) => see(id, reader);
      const states = await watchJobs({ filter: { ...filter, caller: listed }, events, read }, untilStopping(signal));
      const logOther = (): void => logger.info({ action: 'watch', caller: reader.id, owner: listed }, AUDIT);
      return withFirst(states, (job) => job.caller !== reader.id, logOther);
    },
  };
}

/** The position after which a page begins: after the page before, and after all jobs that are too new. */
function startOf({ after, createdBefore }: JobPageRequest): ListPosition | undefined {
  if (createdBefore === undefined || (after && after.createdAt < createdBefore)) return after;
  // No id comes before the empty one.
  return { createdAt: createdBefore, id: '' };
}

/** Calls a function at the first state for which something holds. */
async function* withFirst(
  states: AsyncGenerator<Job, void, void>,
  holds: (job: Job) => boolean,
  onFirst: () => void,
): AsyncGenerator<Job, void, void> {
  let isFirst = true;
  for await (const job of states) {
    if (isFirst && holds(job)) {
      isFirst = false;
      onFirst();
    }
    yield job;
  }
}
