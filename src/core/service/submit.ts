import { requireScope } from '../access/access.ts';
import type { Caller } from '../access/caller.ts';
import type { DepthLimit } from './depth-limit.ts';
import { ServiceError } from '../errors.ts';
import { fingerprintOf, isSameInput } from './fingerprint.ts';
import { jobIdOfKey, newJobId } from '../job-id.ts';
import type { Job } from '../job.ts';
import { parseInput } from '../input/parse-input.ts';
import type { JobQueue, Logger, NewJob } from '../ports.ts';
import type { RetryAfterEstimator } from './retry-after.ts';
import type { Submission, SubmittedJob } from './service.ts';

export interface SubmitOptions {
  readonly queue: JobQueue;
  readonly depthLimit: DepthLimit;
  readonly estimator: RetryAfterEstimator;
  readonly logger: Logger;
  /** Reads a job that is the caller's. */
  see(id: string, caller: Caller): Promise<Job | undefined>;
}

/** Accepts a submission. @param onId is told the job's id before the queue is */
type Submit = (submission: Submission, onId?: (id: string) => void) => Promise<SubmittedJob>;

export function createSubmit({ queue, depthLimit, estimator, logger, see }: SubmitOptions): Submit {
  async function refuseFull(type: string): Promise<never> {
    throw new ServiceError('queue-full', `Too many jobs of the type ${type} are waiting; try again later.`, {
      retryAfter: estimator.estimateRoom(type),
    });
  }

  return async ({ type, input, caller, requestId, idempotencyKey }, onId) => {
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
      const id = newJobId(type.name);
      onId?.(id);
      const job = await depthLimit.add(
        type.name,
        () => queue.add({ ...base, id }),
        () => refuseFull(type.name),
      );
      logger.debug({ requestId, jobId: id, type: type.name }, 'job accepted');
      return { job, replayed: false };
    }
    const id = jobIdOfKey(type.name, callerId, idempotencyKey, await queue.readSecret());
    onId?.(id);
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
    logger.debug({ requestId, jobId: id, type: type.name, replayed }, 'job accepted');
    return { job, replayed };
  };
}
