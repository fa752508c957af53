/** The uploads that a submission names: found before its input is checked, and kept with its job. */
import { type InputIssue, MAX_ISSUES } from '../errors.ts';
import { invalidInput } from '../input/parse-input.ts';
import { UPLOAD_SECONDS, type FileAccess, orUnavailable } from './files.ts';
import { newFileId, parseUploadId } from './file-keys.ts';
import { type MapFiles, type StoredFile, type ValuePath } from './file-ref.ts';

/** Files in one input. Each is looked for and copied. */
const MAX_FILES = 100;
const MISSING = 'There is no such upload of yours: it has expired, belongs to another job, or is not complete';
const NO_ID = 'Invalid file: expected an object with the `id` of an upload, and nothing else';

/** An upload that a submission names. */
interface NamedUpload {
  readonly id: string;
  readonly path: ValuePath;
}

/** The files of one submission, or of an item of a batch. */
export interface SubmittedFiles {
  /** With all that is known of its files. */
  readonly input: unknown;
  /** Why it cannot be accepted; empty if it can. */
  readonly issues: readonly InputIssue[];
  /**
   * Copies the uploads to their job, before the queue has it.
   * @throws ServiceError `service-unavailable`, `not-found`
   */
  keep(jobId: string): Promise<void>;
  /** Removes the uploads, when the queue has their job. Never rejects: they expire. */
  release(): Promise<void>;
  /** Removes what was kept for a job that the queue has refused. Never rejects. */
  drop(jobId: string): Promise<void>;
}

/**
 * Finds the uploads that an input names.
 * @param caller whose uploads count
 * @throws ServiceError `invalid-input`, for too many; `service-unavailable`
 */
export async function findFiles(
  { store, keys, now }: FileAccess,
  map: MapFiles,
  input: unknown,
  caller: string,
): Promise<SubmittedFiles> {
  const named: NamedUpload[] = [];
  map(input, (value, path) => {
    if (named.length <= MAX_FILES) named.push({ id: idOf(value) ?? '', path });
    return value;
  });
  const [last] = named.slice(MAX_FILES);
  if (last !== undefined)
    throw invalidInput([{ path: last.path, message: `Too many files: expected at most ${MAX_FILES}` }]);
  const derived = await keys();
  const owner = derived.ownerOf(caller);
  const found = new Map<string, StoredFile>();
  await orUnavailable(() =>
    inTurns([...new Set(named.map(({ id }) => id))], async (id) => {
      const upload = parseUploadId(id);
      if (upload === undefined || upload.createdAt + (UPLOAD_SECONDS + 60) * 1000 <= now()) return;
      const info = await store.stat(derived.ofUpload(owner, id).data);
      if (info?.size !== upload.size) return;
      found.set(id, { ...info, id: newFileId(now(), upload.random) });
    }),
  );
  const missing = named.filter(({ id }) => !found.has(id));
  return {
    // What is not found has an issue, so that nothing else reaches a job in the place of a file.
    input: map(input, (value) => found.get(idOf(value) ?? '') ?? null),
    issues: missing
      .slice(0, MAX_ISSUES)
      .map(({ id, path }) => (id === '' ? { path, message: NO_ID } : { path: [...path, 'id'], message: MISSING })),

    async keep(jobId) {
      await orUnavailable(() =>
        inTurns([...found], async ([id, file]) => {
          const to = derived.ofFile(jobId, file.id);
          if (to !== undefined) await store.copy(derived.ofUpload(owner, id).data, to);
        }),
      );
    },

    async release() {
      const removed = inTurns([...found.keys()], async (id) => {
        const { promise, data } = derived.ofUpload(owner, id);
        await store.remove(data);
        await store.remove(promise);
      });
      await removed.catch(() => undefined);
    },

    async drop(jobId) {
      const removed = inTurns([...found.values()], async (file) => {
        const key = derived.ofFile(jobId, file.id);
        if (key !== undefined) await store.remove(key);
      });
      await removed.catch(() => undefined);
    },
  };
}

/** The id that a caller sent, and nothing else with it. */
function idOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('id' in value) || Object.keys(value).length !== 1)
    return undefined;
  return typeof value.id === 'string' ? value.id : undefined;
}

/** So many files are looked for at a time. */
const AT_ONCE = 10;

async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += AT_ONCE)
    await Promise.all(items.slice(from, from + AT_ONCE).map(work));
}
