/** Accepting a batch: check each item, and add the jobs of those that are valid, all in one step. */
import { requireScope } from '../access/caller.ts';
import type { JobIds } from '../access/job-ids.ts';
import { ServiceError } from '../errors.ts';
import { filesIn } from '../files/file-ref.ts';
import type { FileAccess } from '../files/files.ts';
import { findFiles } from '../files/submit-files.ts';
import { invalidInput } from '../input/parse-input.ts';
import type { Job } from '../job.ts';
import type { Metrics } from '../metrics.ts';
import { type JobQueue, type KeyedJob, type Logger, MAX_LISTED_CHARACTERS } from '../ports.ts';
import type { AddWithin } from '../service/depth-limit.ts';
import type { RequestContext } from '../service/request-context.ts';
import type { Submission } from '../service/submission.ts';
import { fingerprintOfAll, readOptions, requireSame } from '../service/submit.ts';
import { type Tracer, jobAttributes } from '../tracer.ts';
import { type Webhooks, checkWebhook } from '../webhook/webhook-service.ts';
import { type Batch, MAX_BATCH_ITEMS, tagOfBatch } from './batch.ts';
import { type CheckedItem, checkItems, noneIsValid } from './check-items.ts';

/** Several submissions of one type with the same options. */
export interface BatchSubmission extends Omit<Submission, 'input'> {
  readonly inputs: readonly unknown[];
  /** Where errors say that they are. */
  readonly path: readonly string[];
}

/** What became of one input. */
export type BatchItem = { readonly job: Job } | { readonly error: ServiceError };

export interface SubmittedBatch {
  readonly batch: Batch;
  /** One for each input, in their order. */
  readonly items: readonly BatchItem[];
  /** Whether an earlier submission with this idempotency key created the jobs. */
  readonly replayed: boolean;
}

/**
 * Refuses a number of items, before any of them is looked at.
 * @param path where the items are
 * @throws ServiceError `invalid-input`
 */
export function requireBatchSize(items: number, path: readonly string[]): void {
  if (items >= 1 && items <= MAX_BATCH_ITEMS) return;
  const message = `Invalid number of items: expected 1 to ${MAX_BATCH_ITEMS.toLocaleString('en')}`;
  throw invalidInput([{ path, message }]);
}

/** So many items count as one request against the caller's limit. */
const ITEMS_OF_A_REQUEST = 100;

/**
 * Counts the items beyond the first 100 as further requests.
 * @throws ServiceError `rate-limited`
 */
export async function countItems(items: number, { countMore }: Pick<RequestContext, 'countMore'>): Promise<void> {
  if (countMore === undefined) return;
  const more = Math.ceil(items / ITEMS_OF_A_REQUEST) - 1;
  await Promise.all(Array.from({ length: more }, countMore));
}

export interface SubmitBatchOptions {
  readonly queue: JobQueue;
  readonly jobIds: JobIds;
  readonly addWithin: AddWithin;
  readonly files: FileAccess | undefined;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tracer: Tracer | undefined;
  /** Undefined: submissions with a webhook are refused. */
  readonly webhooks: Webhooks | undefined;
  isExpired(job: Job): boolean;
}

export function createSubmitBatch(services: SubmitBatchOptions) {
  const { queue, jobIds, addWithin, files, logger, metrics, tracer, webhooks, isExpired } = services;

  async function accept(submission: BatchSubmission): Promise<SubmittedBatch> {
    const { type, inputs, path, options, requestId, trace, idempotencyKey } = submission;
    const { id: caller } = requireScope(submission.caller, 'submit');
    requireBatchSize(inputs.length, path);
    const createdAt = new Date();
    const resolved = readOptions(type, options, createdAt, queue);
    checkWebhook(webhooks, options);
    if (resolved.options?.deduplication !== undefined)
      throw invalidInput([
        { path: [...(options?.path ?? []), 'deduplication'], message: 'A batch takes no deduplication' },
      ]);
    const map = files && filesIn(type.input);
    const isKeyed = idempotencyKey !== undefined;
    const checked = await checkItems(
      type,
      inputs,
      isKeyed,
      map && ((input: unknown) => findFiles(files, map, input, caller)),
    );

    const id = await toBatchId(jobIds, type.name, caller, idempotencyKey);
    const ids = await jobIds.ofBatch({ id, type: type.name, caller }, inputs.length);
    const isKnown = async (): Promise<boolean> =>
      isKeyed && (await queue.readBatch(id, type.name, caller)) !== undefined;
    // The same submission was right when it was accepted.
    if (resolved.isOutdated && !(await isKnown())) resolved.refuseOutdated();
    const hasErrors = checked.some(({ error }) => error !== undefined);
    // Its first submission took the uploads.
    const isReplay = map !== undefined && hasErrors && (await isKnown());
    if (!isReplay && checked.every(({ error }) => error !== undefined)) throw noneIsValid(checked, path);

    const fingerprint =
      idempotencyKey === undefined
        ? ''
        : fingerprintOfAll(
            checked.map((item) => item.fingerprint),
            options?.given,
          );
    const ofAll = {
      type: type.name,
      caller,
      createdAt,
      maxAttempts: type.attempts,
      // The store looks for the batch's tag in the last place.
      options: { ...resolved.options, tags: [...(resolved.options?.tags ?? []), tagOfBatch(id)] },
      requestId,
      trace,
      fingerprint,
    } satisfies Omit<KeyedJob, 'id' | 'input'>;
    const jobs = checked.flatMap(({ input = isReplay ? { storable: inputs[0] } : undefined }, index) =>
      input === undefined ? [] : [{ ...ofAll, id: ids[index] ?? '', input: input.storable }],
    );
    const add = () => queue.addBatch(jobs);
    const addWithFiles = async () => {
      for (const [index, item] of checked.entries()) await item.files?.keep(ids[index] ?? '');
      const batch = await add();
      for (const item of checked) await item.files?.release();
      return batch;
    };
    const added = await addWithin(type.name, caller, map ? addWithFiles : add, isKnown, jobs.length);
    requireSame(added.fingerprint, fingerprint);
    logger.debug(
      { requestId, batchId: id, type: type.name, jobs: jobs.length, replayed: added.replayed },
      'batch accepted',
    );

    const pending = { pending: jobs.length, running: 0, succeeded: 0, failed: 0, canceled: 0 };
    const fresh = { id, type: type.name, caller, createdAt, counts: pending };
    if (added.jobs !== undefined) {
      const items = toItems(checked, ids, new Map(added.jobs.map((job) => [job.id, job])));
      return { batch: fresh, items, replayed: false };
    }
    const known = await readAll(type.name, ids);
    return {
      batch: (await queue.readBatch(id, type.name, caller)) ?? fresh,
      items: toItems(checked, ids, known),
      replayed: true,
    };
  }

  /** Reads jobs by their ids. From so many characters of results on, they are left out. */
  async function readAll(type: string, ids: readonly string[]): Promise<Map<string, Job>> {
    const found = new Map<string, Job>();
    let characters = 0;
    for (let from = 0; from < ids.length;) {
      const { jobs, resultCharacters } = await queue.readSome(type, ids.slice(from, from + READ_AT_ONCE));
      const isTooMuch = (characters += resultCharacters) > 2 * MAX_LISTED_CHARACTERS;
      for (const job of jobs) {
        if (job === undefined || isExpired(job)) continue;
        found.set(job.id, isTooMuch && job.status === 'Succeeded' ? { ...job, result: null } : job);
      }
      from += jobs.length;
    }
    return found;
  }

  return async (submission: BatchSubmission): Promise<SubmittedBatch> => {
    const { type, field, trace: parent } = submission;
    const span = tracer?.start('producer', parent, () => ({
      name: `send ${type.name}`,
      attributes: {
        ...jobAttributes('send', type.name),
        'graphql.field.name': field,
        'messaging.batch.message_count': submission.inputs.length,
      },
    }));
    try {
      const submitted = await accept(span === undefined ? submission : { ...submission, trace: span.context });
      for (const item of submitted.items)
        metrics.submitted(
          type.name,
          'error' in item ? item.error.problem : submitted.replayed ? 'replayed' : 'accepted',
        );
      if (submitted.replayed) span?.set({ 'accepted.replayed': true });
      span?.end();
      return submitted;
    } catch (error) {
      const problem = error instanceof ServiceError ? error.problem : 'internal-error';
      metrics.submitted(type.name, problem);
      span?.end(problem);
      throw error;
    }
  };
}

/**
 * A batch's id has the form of a job's, so that it tells the job type.
 * @param key the idempotency key of its submission; undefined: a random id
 */
function toBatchId(jobIds: JobIds, type: string, caller: string, key: string | undefined): Promise<string> {
  // Keys that callers choose have no line breaks, and those of fields in a document have one, with a name behind it.
  return key === undefined ? jobIds.issue(type, caller) : jobIds.ofKey(type, caller, `${key}\n\n`);
}

/** Jobs that are read at a time. */
const READ_AT_ONCE = 100;

function toItems(
  checked: readonly CheckedItem[],
  ids: readonly string[],
  jobs: ReadonlyMap<string, Job>,
): readonly BatchItem[] {
  return checked.map(({ error }, index) => {
    const job = jobs.get(ids[index] ?? '');
    if (job !== undefined) return { job };
    return { error: error ?? new ServiceError('not-found', 'The job of this item has expired.') };
  });
}
