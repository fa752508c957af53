/** Accepting a submission: parse the input, resolve its idempotency key, and add the job if the queue has room. */
import { createHash } from 'node:crypto';
import { type Caller, requireScope } from '../access/caller.ts';
import { ServiceError } from '../errors.ts';
import { parseSubmission } from '../input/parse-input.ts';
import { jobIdOfKey, newJobId } from '../job-id.ts';
import type { Job } from '../job.ts';
import type { Metrics } from '../metrics.ts';
import type { JobQueue, Logger, NewJob } from '../ports.ts';
import { type DepthLimit, queueFull, quotaExceeded } from './depth-limit.ts';
import type { RetryAfterEstimator } from './retry-after.ts';
import type { Submission, SubmittedJob } from './service.ts';

export interface SubmitOptions {
  readonly queue: JobQueue;
  readonly depthLimit: DepthLimit;
  /** Undefined: a caller may have as many jobs waiting as there is room for. */
  readonly callerLimit: { readonly limit: DepthLimit; readonly max: number } | undefined;
  readonly estimator: RetryAfterEstimator;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Reads a job; undefined unless it belongs to the caller. */
  see(id: string, caller: Caller): Promise<Job | undefined>;
}

/** Accepts a submission. @param onId called with the job's id before the queue receives the job */
export type Submit = (submission: Submission, onId?: (id: string) => void) => Promise<SubmittedJob>;

export function createSubmit({
  queue,
  depthLimit,
  callerLimit,
  estimator,
  logger,
  metrics,
  see,
}: SubmitOptions): Submit {
  async function refuseFull(type: string): Promise<never> {
    throw new ServiceError('queue-full', queueFull(type), {
      retryAfter: estimator.estimateRoom(type),
    });
  }

  /**
   * Adds a job if there is room for it, in its queue and in the caller's quota.
   * @param known whether the job is there already, so that adding it again adds none
   */
  async function addWithin<T>(
    type: string,
    caller: string,
    add: () => Promise<T>,
    known: () => Promise<boolean>,
  ): Promise<T> {
    const addToQueue = () => depthLimit.add(type, add, async () => ((await known()) ? add() : refuseFull(type)));
    if (callerLimit === undefined) return addToQueue();
    const { limit, max } = callerLimit;
    return limit.add(caller, addToQueue, async () => {
      if (await known()) return add();
      throw new ServiceError('quota-exceeded', quotaExceeded(max), { retryAfter: estimator.estimateRoom(type) });
    });
  }

  const accept: Submit = async ({ type, input, caller, requestId, trace, idempotencyKey }, onId) => {
    const { id: callerId } = requireScope(caller, 'submit');
    const { parsed, storable } = parseSubmission(type, input);
    const base = {
      type: type.name,
      caller: callerId,
      createdAt: new Date(),
      maxAttempts: type.attempts,
      input: storable,
      requestId,
      trace,
    } satisfies Omit<NewJob, 'id'>;
    if (idempotencyKey === undefined) {
      const id = newJobId(type.name);
      onId?.(id);
      const add = () => queue.add({ ...base, id });
      const job = await addWithin(type.name, callerId, add, async () => false);
      logger.debug({ requestId, jobId: id, type: type.name }, 'job accepted');
      return { job, replayed: false };
    }
    const id = jobIdOfKey(type.name, callerId, idempotencyKey, await queue.readSecret());
    onId?.(id);
    const fingerprint = fingerprintOf(input, parsed);
    const add = () => queue.addOnce({ ...base, id, fingerprint });
    // A replay adds no job, so a full queue does not refuse it.
    const added = await addWithin(type.name, callerId, add, async () => (await see(id, caller)) !== undefined);
    if (!isSameInput(added.fingerprint, fingerprint)) {
      throw new ServiceError('idempotency-key-reused', 'This idempotency key was used with a different input.');
    }
    const { job, replayed } = added;
    logger.debug({ requestId, jobId: id, type: type.name, replayed }, 'job accepted');
    return { job, replayed };
  };

  return async (submission, onId) => {
    try {
      const submitted = await accept(submission, onId);
      metrics.submitted(submission.type.name, submitted.replayed ? 'replayed' : 'accepted');
      return submitted;
    } catch (error) {
      metrics.submitted(submission.type.name, error instanceof ServiceError ? error.problem : 'internal-error');
      throw error;
    }
  };
}

/**
 * Identifies an input by two hashes: of the value sent, and of the value after parsing. Two inputs count as the same when either
 * matches: the first where a default differs on each parse, the second where one API fills in defaults that the other omits.
 */
export function fingerprintOf(sent: unknown, parsed: unknown): string {
  return `${hashOf(sent)}.${hashOf(parsed)}`;
}

export function isSameInput(fingerprint: string | undefined, other: string): boolean {
  const [sent, parsed] = fingerprint?.split('.') ?? [];
  const [otherSent, otherParsed] = other.split('.');
  return sent === otherSent || parsed === otherParsed;
}

/** SHA-256 of a value's JSON with sorted object keys, so that neither white space nor the order of fields matters (compare RFC 8785). */
function hashOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('base64url');
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) => {
    if (typeof part === 'bigint') return part.toString();
    if (part instanceof Map || part instanceof Set) return [...part];
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}
