/** Accepting a submission: parse the input, resolve its idempotency key, and add the job if the queue has room. */
import { createHash } from 'node:crypto';
import { type Caller, requireScope } from '../access/caller.ts';
import type { JobIds } from '../access/job-ids.ts';
import type { JobType } from '../define-job.ts';
import { ServiceError, isQueueUnavailable } from '../errors.ts';
import { filesIn } from '../files/file-ref.ts';
import type { FileAccess } from '../files/files.ts';
import { type SubmittedFiles, findFiles } from '../files/submit-files.ts';
import { invalidInput, parseSubmission } from '../input/parse-input.ts';
import { MAX_DELAY_SECONDS, type SubmitOptions as GivenOptions, resolveOptions } from '../input/submit-options.ts';
import type { Job, JobOptions } from '../job.ts';
import type { Metrics } from '../metrics.ts';
import type { JobQueue, Logger, NewJob } from '../ports.ts';
import { type Webhooks, checkWebhook } from '../webhook/webhook-service.ts';
import type { AddWithin } from './depth-limit.ts';
import type { Submission, SubmittedJob } from './submission.ts';

export interface SubmitOptions {
  readonly queue: JobQueue;
  readonly jobIds: JobIds;
  readonly addWithin: AddWithin;
  readonly files: FileAccess | undefined;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Undefined: submissions with a webhook are refused. */
  readonly webhooks: Webhooks | undefined;
  /** Reads a job; undefined unless it belongs to the caller. */
  see(id: string, caller: Caller): Promise<Job | undefined>;
}

/** Accepts a submission. @param onId called with the job's id before the queue receives the job */
export type Submit = (submission: Submission, onId?: (id: string) => void) => Promise<SubmittedJob>;

export function createSubmit(services: SubmitOptions): Submit {
  const { queue, jobIds, addWithin, files, logger, metrics, webhooks, see } = services;
  const accept: Submit = async ({ type, input, options, caller, requestId, trace, idempotencyKey }, onId) => {
    const { id: callerId } = requireScope(caller, 'submit');
    const map = files && filesIn(type.input);
    const uploads = map && (await findFiles(files, map, input, callerId));
    const isKnownKey = async (): Promise<boolean> =>
      idempotencyKey !== undefined &&
      (await see(await jobIds.ofKey(type.name, callerId, idempotencyKey), caller)) !== undefined;
    // Its first submission took the uploads.
    const isReplay = uploads !== undefined && uploads.issues.length > 0 && (await isKnownKey());
    if (uploads !== undefined && !isReplay) requireFound(uploads);
    const { parsed, storable } = isReplay
      ? { parsed: null, storable: input }
      : parseSubmission(type, uploads === undefined ? input : uploads.input);
    const createdAt = new Date();
    const resolved = readOptions(type, options, createdAt, queue);
    checkWebhook(webhooks, options);
    const { refuseOutdated } = resolved;
    const base = {
      type: type.name,
      caller: callerId,
      createdAt,
      maxAttempts: type.attempts,
      input: storable,
      options: resolved.options,
      requestId,
      trace,
    } satisfies Omit<NewJob, 'id'>;
    const { deduplication } = resolved.options ?? {};
    if (uploads !== undefined && deduplication?.mode === 'last') {
      const message = "Invalid mode: 'last' does not replace an input with files";
      throw invalidInput([{ path: [...(options?.path ?? []), 'deduplication', 'mode'], message }]);
    }
    if (idempotencyKey === undefined && deduplication === undefined) {
      refuseOutdated();
      const id = await jobIds.issue(type.name, callerId);
      onId?.(id);
      const add = uploads
        ? () => addWithFiles(uploads, id, () => queue.add({ ...base, id }))
        : () => queue.add({ ...base, id });
      const job = await addWithin(type.name, callerId, add, async () => false);
      logger.debug({ requestId, jobId: id, type: type.name }, 'job accepted');
      return { job, replayed: false };
    }
    const id = await (idempotencyKey === undefined
      ? jobIds.issue(type.name, callerId)
      : jobIds.ofKey(type.name, callerId, idempotencyKey));
    onId?.(id);
    const isKnown = async (): Promise<boolean> => (await see(id, caller)) !== undefined;
    // The same submission was right when it was accepted.
    if (resolved.isOutdated && !(await isKnown())) refuseOutdated();
    const fingerprint = fingerprintOf(input, parsed, options?.given);
    const addOnce = () => queue.addOnce({ ...base, id, fingerprint });
    const add = async () => {
      if (!isReplay) await uploads?.keep(id);
      const added = await addOnce();
      if (added.job.id === id) await uploads?.release();
      // Another job waits in its place, and has files of its own.
      else await uploads?.drop(id);
      return added;
    };
    // A replay adds no job, so a full queue does not refuse it.
    const added = await addWithin(type.name, callerId, uploads ? add : addOnce, isKnown);
    // A job that waits for the same deduplication id was submitted under another key, or none.
    if (added.job.id === id) requireSame(added.fingerprint, fingerprint);
    const { job, replayed } = added;
    logger.debug({ requestId, jobId: job.id, type: type.name, replayed }, 'job accepted');
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

/** @throws ServiceError `invalid-input` */
export function requireFound({ issues }: SubmittedFiles): void {
  if (issues.length > 0) throw invalidInput(issues);
}

/** Adds a job whose id is new, after its files are where it will look for them. */
async function addWithFiles(uploads: SubmittedFiles, id: string, add: () => Promise<Job>): Promise<Job> {
  try {
    await uploads.keep(id);
    const job = await add();
    await uploads.release();
    return job;
  } catch (error) {
    // The queue may have the job where it did not say so; a sweep finds out.
    if (!isQueueUnavailable(error)) await uploads.drop(id);
    throw error;
  }
}

/**
 * What the options of a submission mean.
 * @throws ServiceError `invalid-input`
 */
export function readOptions(
  type: JobType,
  options: Submission['options'],
  createdAt: Date,
  queue: Pick<JobQueue, 'now'>,
) {
  const { given, path = [], base = '' } = { ...options };
  const resolved = resolveOptions(given, type.options, { clock: () => queue.now(type.name), createdAt, base });
  requireSoon(resolved.options, createdAt, path);
  return {
    options: resolved.options,
    /** Whether only an earlier submission could have been accepted with these times. */
    isOutdated: resolved.outdated !== undefined,
    /** @throws ServiceError `invalid-input` for such times */
    refuseOutdated(): void {
      const { outdated } = resolved;
      if (outdated !== undefined) throw invalidInput([{ ...outdated, path: [...path, ...outdated.path] }]);
    },
  };
}

/** @throws ServiceError `idempotency-key-reused` */
export function requireSame(stored: string | undefined, fingerprint: string): void {
  if (isSameSubmission(stored, fingerprint)) return;
  throw new ServiceError(
    'idempotency-key-reused',
    'This idempotency key was used with a different input or other options.',
  );
}

/** @throws ServiceError `invalid-input` for a time that is too far ahead */
function requireSoon(options: JobOptions | undefined, createdAt: Date, path: readonly string[]): void {
  if ((options?.scheduledFor?.getTime() ?? 0) <= createdAt.getTime() + MAX_DELAY_SECONDS * 1000) return;
  throw invalidInput([{ path: [...path, 'runAt'], message: 'Invalid time: expected one at most 30 days ahead' }]);
}

/**
 * Identifies a submission by two hashes of its input, of the value sent and of the value after parsing, and by one of its options, if it
 * has any, in which the order of tags does not matter. Two inputs count as the same when either hash matches: the first where a default differs on each parse, the second where one API
 * fills in defaults that the other omits.
 */
export function fingerprintOf(sent: unknown, parsed: unknown, options?: GivenOptions): string {
  return `${hashOf(sent)}.${hashOf(parsed)}${options === undefined ? '' : `.${hashOf({ ...options, tags: options.tags?.toSorted() })}`}`;
}

export function isSameSubmission(fingerprint: string | undefined, other: string): boolean {
  const [sent, parsed, options] = fingerprint?.split('.') ?? [];
  const [otherSent, otherParsed, otherOptions] = other.split('.');
  return (sent === otherSent || parsed === otherParsed) && options === otherOptions;
}

/** The same for a batch, of the fingerprints of its items. */
export function fingerprintOfAll(items: readonly string[], options?: GivenOptions): string {
  const parts = items.map((each) => each.split('.'));
  return fingerprintOf(
    parts.map(([sent]) => sent),
    parts.map(([, parsed]) => parsed),
    options,
  );
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
