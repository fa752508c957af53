import { canSee, requireJobAccess, requireScope } from './access.ts';
import type { Caller, Scope } from './caller.ts';
import { DeadlineError, withDeadline } from './deadline.ts';
import { createDepthLimit } from './depth-limit.ts';
import { ServiceError } from './errors.ts';
import { fingerprintOf, isSameInput } from './fingerprint.ts';
import { type FollowedJob, waitForJob, watchJob } from './follow-job.ts';
import type { JobKeys } from './job-key.ts';
import { jobIdOfKey, newJobId, typeOfJobId } from './job-id.ts';
import { type Job, isDone, jobStatusSchema } from './job.ts';
import { toCursor } from './list-page.ts';
import { parseInput } from './parse-input.ts';
import type { JobEvents, JobQueue, Logger, NewJob } from './ports.ts';
import type { Use } from './provider.ts';
import type { Registry } from './registry.ts';
import { createRetryAfterEstimator } from './retry-after.ts';
import { type JobService, MAX_WAIT_SECONDS } from './service.ts';
import { findUnstorableText } from './storable-text.ts';

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
    return job !== undefined && canSee(caller, job) && !isExpired(job) ? job : undefined;
  }

  async function find(id: string, caller: Caller, scope: Scope): Promise<Job> {
    requireJobAccess(caller, id, scope);
    const job = await see(id, caller);
    if (job === undefined) throw new ServiceError('not-found', 'There is no job with this id.');
    return job;
  }

  const follow = (id: string, caller: Caller): FollowedJob => ({
    id,
    events,
    read: () => read(id, caller),
  });

  async function refuseFull(type: string): Promise<never> {
    throw new ServiceError('queue-full', `Too many jobs of the type ${type} are waiting; try again later.`, {
      retryAfter: estimator.estimateRoom(type),
    });
  }

  return {
    registry,
    stopping,
    read,

    async submit({ type, input, caller, requestId, idempotencyKey }) {
      const { id: callerId } = requireScope(caller, 'submit');
      const parsed = parseInput(type.strictInput, input);
      const base = {
        type: type.name,
        caller: callerId,
        createdAt: new Date(),
        maxAttempts: type.attempts,
        input,
        requestId,
      } satisfies Omit<NewJob, 'id'>;
      if (idempotencyKey === undefined) {
        const add = () => queue.add({ ...base, id: newJobId(type.name) });
        const job = await depthLimit.add(type.name, add, () => refuseFull(type.name));
        logger.debug({ requestId, jobId: job.id, type: job.type }, 'job accepted');
        return { job, replayed: false };
      }
      const id = jobIdOfKey(type.name, callerId, idempotencyKey, await queue.readSecret());
      const fingerprint = fingerprintOf(input, parsed);
      const add = () => queue.addOnce({ ...base, id, fingerprint });
      const added = await depthLimit.add(type.name, add, async () =>
        // The job that the key has already takes no room.
        (await see(id, caller)) === undefined ? refuseFull(type.name) : add(),
      );
      if (!isSameInput(added.fingerprint, fingerprint)) {
        throw new ServiceError('idempotency-key-reused', 'This idempotency key was used with another input.');
      }
      const { job, replayed } = added;
      logger.debug({ requestId, jobId: job.id, type: job.type, replayed }, 'job accepted');
      return { job, replayed };
    },

    async wait(id, caller, seconds, signal) {
      if (seconds <= 0) return read(id, caller);
      const ms = Math.min(seconds, MAX_WAIT_SECONDS) * 1000;
      return waitForJob(follow(id, caller), ms, AbortSignal.any([signal, stopping]));
    },

    async *watch(id, caller, signal) {
      await find(id, caller, 'read');
      yield* watchJob(follow(id, caller), AbortSignal.any([signal, stopping]));
    },

    async cancel(id, caller) {
      const job = await find(id, caller, 'submit');
      if (isDone(job) || (await queue.cancel(job)) === 'refused') {
        throw new ServiceError('not-cancelable', 'The job is done, so it cannot be canceled.');
      }
      return find(id, caller, 'submit');
    },

    async retry(id, caller) {
      const principal = requireScope(caller, 'submit');
      const job = await find(id, principal, 'submit');
      const attempts = registry.get(job.type)?.attempts ?? 1;
      if (!(await queue.retry(job, attempts))) {
        throw new ServiceError('not-retryable', 'Only a job that failed or was canceled can be retried.');
      }
      return find(id, principal, 'submit');
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

function isExpired(job: Job): boolean {
  return isDone(job) && job.expiresAt.getTime() <= Date.now();
}
