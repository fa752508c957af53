import { canSee, requireJobAccess, requireScope } from '../access/access.ts';
import type { Caller, Scope } from '../access/caller.ts';
import { DeadlineError, withDeadline } from '../deadline.ts';
import { createDepthLimit } from './depth-limit.ts';
import { ServiceError, isQueueAway, jobNotFound } from '../errors.ts';
import { type FollowedJob, type JobWait, listenForEnd, watchJob } from './follow.ts';
import type { JobKeys } from '../access/job-token.ts';
import { typeOfJobId } from '../job-id.ts';
import { type Job, isDone, jobStatusSchema } from '../job.ts';
import { toCursor } from './list-page.ts';
import type { JobEvents, JobQueue, Logger } from '../ports.ts';
import type { Use } from '../provider.ts';
import type { Registry } from '../registry.ts';
import { createRetryAfterEstimator } from './retry-after.ts';
import { type JobService, MAX_WAIT_SECONDS } from './service.ts';
import { findUnstorableText } from '../input/storable-text.ts';
import { createSubmit } from './submit.ts';

/** How long what the work made may take to be read. */
const RESOURCE_MS = 1500;
/** When to try again to read it. */
const RETRY_AFTER_SECONDS = 1;

export interface JobServiceOptions {
  readonly registry: Registry;
  readonly queue: JobQueue;
  readonly events: JobEvents;
  readonly jobKeys: JobKeys;
  readonly use: Use;
  readonly logger: Logger;
  /** Jobs of each type that may wait before submissions are refused. */
  readonly maxDepth: number;
  /** Aborted when the process ends: nobody waits any longer. */
  readonly stopping: AbortSignal;
  /** Whether what a job type reads its resource from could not be reached, so that another try may succeed. */
  isConnectionError(error: unknown): boolean;
}

export function createJobService(options: JobServiceOptions): JobService {
  const { registry, queue, events, jobKeys, use, logger, maxDepth, stopping, isConnectionError } = options;
  const estimator = createRetryAfterEstimator(queue, logger);
  const depthLimit = createDepthLimit(queue, maxDepth, logger);

  async function read(id: string, caller: Caller): Promise<Job | undefined> {
    requireJobAccess(caller, id, 'read');
    return see(id, caller);
  }

  /** Reads a job that is the caller's, whatever it wants to do with it. */
  async function see(id: string, caller: Caller): Promise<Job | undefined> {
    const type = typeOfJobId(id);
    if (type === undefined || registry.get(type) === undefined) return undefined;
    const job = await queue.read(id, type);
    return job !== undefined && isVisible(job, caller) ? job : undefined;
  }

  async function find(id: string, caller: Caller, scope: Scope): Promise<Job> {
    requireJobAccess(caller, id, scope);
    const job = await see(id, caller);
    if (job === undefined) throw jobNotFound();
    return job;
  }

  const follow = (id: string, caller: Caller): FollowedJob => ({
    id,
    events,
    read: () => read(id, caller),
    isVisible: (job) => isVisible(job, caller),
  });

  const accept = createSubmit({ queue, depthLimit, estimator, logger, see });
  const untilStopping = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, stopping]);

  return {
    registry,
    stopping,
    read,

    submit: (submission) => accept(submission),

    async submitAndWait(submission, seconds, signal) {
      let wait: JobWait | undefined;
      try {
        const submitted = await accept(submission, (id) => {
          const readOwn = () => queue.read(id, submission.type.name);
          wait = listenForEnd({ id, events, read: readOwn, isVisible: (job) => !isExpired(job) });
        });
        const { job } = submitted;
        const later = await unlessAway(() => wait?.until(toMs(seconds), untilStopping(signal), job));
        return { ...submitted, job: later ?? job };
      } finally {
        wait?.close();
      }
    },

    async wait(id, caller, seconds, signal) {
      if (seconds <= 0) return read(id, caller);
      const wait = listenForEnd(follow(id, caller));
      try {
        return await wait.until(toMs(seconds), untilStopping(signal));
      } finally {
        wait.close();
      }
    },

    watch: (id, caller, signal) => watchJob(follow(id, caller), untilStopping(signal)),

    async cancel(id, caller) {
      const job = await find(id, caller, 'submit');
      const canceled = isDone(job) ? undefined : await queue.cancel(job);
      if (canceled === undefined) {
        throw new ServiceError('not-cancelable', 'The job is done, so it cannot be canceled.');
      }
      return canceled;
    },

    async retry(id, caller) {
      const principal = requireScope(caller, 'submit');
      const job = await find(id, principal, 'submit');
      const attempts = registry.get(job.type)?.attempts ?? 1;
      // Not read again: by then a quick job may have ended once more.
      const retried = await queue.retry(job, attempts);
      if (retried === undefined) {
        throw new ServiceError('not-retryable', 'Only a job that failed or was canceled can be retried.');
      }
      return retried;
    },

    async list({ type, statuses = jobStatusSchema.options, after, limit }, caller) {
      const { id: callerId } = requireScope(caller, 'read');
      const types = registry.types.map(({ name }) => name).filter((name) => name === (type ?? name));
      if (types.length === 0) {
        const issue = { path: ['type'], message: 'There is no such type of job' };
        throw new ServiceError('invalid-input', `type: ${issue.message}`, { issues: [issue] });
      }
      const found = await queue.list({
        caller: callerId,
        types,
        statuses: [...new Set(statuses)],
        after,
        limit: limit + 1,
      });
      const page = found.slice(0, limit);
      const last = page.at(-1);
      return {
        jobs: page.filter((job) => !isExpired(job)),
        nextCursor: last !== undefined && found.length > limit ? toCursor(last) : null,
      };
    },

    readInput: (job) => queue.readInput(job.id, job.type),

    accessToken: jobKeys.issue,

    retryAfter: (job) => estimator.estimate(job),

    async findResource(type, id, caller) {
      requireScope(caller, 'read');
      if (type.resource === undefined) throw new ServiceError('not-found', `${type.name} makes no resource`);
      // No store has such an id, and some would fail to look for it.
      if (findUnstorableText(id).length > 0) return undefined;
      try {
        return await withDeadline(type.resource.find(id, use), RESOURCE_MS);
      } catch (cause) {
        if (!(cause instanceof DeadlineError) && !isConnectionError(cause)) throw cause;
        throw new ServiceError('service-unavailable', `The ${type.name} cannot be read now; try again later.`, {
          retryAfter: RETRY_AFTER_SECONDS,
          cause,
        });
      }
    },
  };
}

/** A submission that was accepted stays so, also if the queue can't be asked any more. */
async function unlessAway<T>(ask: () => Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isQueueAway(error)) return undefined;
    throw error;
  }
}

function toMs(seconds: number): number {
  return Math.min(seconds, MAX_WAIT_SECONDS) * 1000;
}

function isVisible(job: Job, caller: Caller): boolean {
  return canSee(caller, job) && !isExpired(job);
}

function isExpired(job: Job): boolean {
  return isDone(job) && job.expiresAt.getTime() <= Date.now();
}
