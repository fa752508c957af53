/** Retention: files go with their job, and uploads that no job took after an hour. */
import { isDone } from '../job.ts';
import { typeOfJobId } from '../job-id.ts';
import type { JobQueue, Logger } from '../ports.ts';
import { createFileKeys, parseJobFolder, parseUploadId } from './file-keys.ts';
import type { FileStore } from './file-store.ts';
import { UPLOAD_SECONDS } from './files.ts';

/** The longest time between two sweeps, in seconds. */
const MAX_INTERVAL_SECONDS = 30;
/** Files are kept before their job is in the queue. One that is not there for so long, in milliseconds, was never accepted, or is gone. */
const UNKNOWN_MS = 120_000;
/** Longer than an upload that began in time takes, in milliseconds. */
const UPLOAD_MS = 2 * UPLOAD_SECONDS * 1000;
/** Jobs that are looked for at a time. */
const AT_ONCE = 100;
/** Folders with old files of jobs that go on, after which a sweep leaves the others to the next one. */
const MAX_KEPT = 5000;

export interface SweepOptions {
  readonly store: FileStore;
  readonly queue: Pick<JobQueue, 'readSecret' | 'readSome' | 'has' | 'now'>;
  readonly retentionSeconds: number;
  readonly logger: Logger;
  /** @default Date.now */
  readonly now?: () => number;
}

/**
 * Removes the files of jobs that are gone or have expired, and uploads that nobody used.
 * @param after the folder with which the sweep before ended
 * @returns the folder with which the next one begins; undefined: the first one
 */
export async function sweepFiles(
  options: SweepOptions,
  after?: string,
  isClosed: () => boolean = () => false,
): Promise<string | undefined> {
  const { store, queue, retentionSeconds, now = Date.now } = options;
  const keys = await createFileKeys(queue)();
  await store.removeUnfinished();
  // No job can have expired that has a younger file, so that a sweep ends where those begin.
  const until = now() - retentionSeconds * 1000;
  let last = after;
  let kept = 0;
  for (let isOld = true; isOld && kept < MAX_KEPT && !isClosed();) {
    const folders = await store.folders(keys.jobs, last);
    const old = folders.filter((folder) => parseJobFolder(folder).madeAt <= until);
    isOld = folders.length > 0 && old.length === folders.length;
    for (let from = 0; from < old.length && !isClosed(); from += AT_ONCE)
      kept += await removeOfGone(options, old.slice(from, from + AT_ONCE));
    last = isOld ? folders.at(-1) : undefined;
  }
  await sweepUploads(options, keys.uploads, isClosed);
  return last;
}

/** @returns how many were kept */
async function removeOfGone(
  { store, queue, now = Date.now }: SweepOptions,
  folders: readonly string[],
): Promise<number> {
  let kept = folders.length;
  const known = folders.map((folder) => ({ folder, ...parseJobFolder(folder) }));
  for (const [type, ofType] of Map.groupBy(known, ({ jobId }) => typeOfJobId(jobId))) {
    // A process of another version may know the type.
    if (type === undefined || !queue.has(type)) continue;
    for (let from = 0; from < ofType.length;) {
      const { jobs } = await queue.readSome(
        type,
        ofType.slice(from).map(({ jobId }) => jobId),
      );
      for (const [index, job] of jobs.entries()) {
        const at = ofType[from + index];
        if (at === undefined) continue;
        const isGone =
          job === undefined
            ? at.madeAt + UNKNOWN_MS <= now()
            : isDone(job) && job.expiresAt.getTime() <= queue.now(type);
        if (!isGone) continue;
        await store.removeFolder(at.folder);
        kept -= 1;
      }
      from += Math.max(1, jobs.length);
    }
  }
  return kept;
}

async function sweepUploads(
  { store, now = Date.now }: SweepOptions,
  uploads: string,
  isClosed: () => boolean,
): Promise<void> {
  let after: string | undefined;
  for (let isMore = true; isMore && !isClosed();) {
    const folders = await store.folders(uploads, after);
    isMore = folders.length > 0;
    after = folders.at(-1);
    for (const folder of folders) {
      for (const name of await store.names(folder)) {
        const upload = parseUploadId(name.replace(/-(promise|data)$/, ''));
        if (upload !== undefined && upload.createdAt + UPLOAD_MS <= now()) await store.remove(`${folder}/${name}`);
      }
    }
  }
}

/**
 * Sweeps regularly.
 * @returns stops it
 */
export function startFileSweeps(options: SweepOptions): () => Promise<void> {
  const { retentionSeconds, logger } = options;
  let sweep = Promise.resolve();
  let closed = false;
  let after: string | undefined;
  const sweepOnce = async (): Promise<void> => {
    try {
      after = await sweepFiles(options, after, () => closed);
    } catch (error) {
      logger.debug({ err: error }, 'could not remove expired files');
    }
  };
  const timer = setInterval(
    () => {
      // Sweeps never overlap, however long one takes.
      sweep = sweep.then(sweepOnce);
    },
    Math.min(retentionSeconds, MAX_INTERVAL_SECONDS) * 1000,
  );
  return async () => {
    closed = true;
    clearInterval(timer);
    await sweep;
  };
}
