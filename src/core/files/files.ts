/** What the APIs do with files: uploads before a submission, and URLs for what jobs have. */
import type { Readable } from 'node:stream';
import { z } from 'zod';
import { type Caller, requireScope } from '../access/caller.ts';
import { ServiceError } from '../errors.ts';
import { parseInput } from '../input/parse-input.ts';
import { type Job, isDone } from '../job.ts';
import type { JobQueue } from '../ports.ts';
import type { Urls } from '../urls.ts';
import { type FileInfo, contentTypeSchema, fileNameSchema } from './file-info.ts';
import { type FileKeys, createFileKeys, newUploadId, parseUploadId } from './file-keys.ts';
import type { MapFiles } from './file-ref.ts';
import { fileViewSchema } from './file-view.ts';
import { type ByteRange, FileExistsError, FileMissingError, type FileStore, FileStoreError } from './file-store.ts';

/** How long an upload may take, and wait for its job. */
export const UPLOAD_SECONDS = 3600;
/** URLs count from the beginning of a window, and are the same all through it, so that a poll that finds nothing new has nothing to send. */
const WINDOW_SECONDS = 1800;
const URL_SECONDS = 2 * WINDOW_SECONDS;
/** Uploads of a caller that wait for their jobs. */
const MAX_UPLOADS = 1000;
const RETRY_AFTER_SECONDS = 5;

export interface FilesOptions {
  readonly store: FileStore;
  readonly queue: Pick<JobQueue, 'readSecret'>;
  /** Bytes of one upload. */
  readonly maxUploadBytes: number;
  /** Bytes of all uploads of a caller that wait for their jobs. */
  readonly maxCallerBytes: number;
  /** @default Date.now */
  readonly now?: () => number;
}

/** What is to be uploaded. */
export const newUploadSchema = z
  .strictObject({
    name: fileNameSchema.describe('Its name, of at most 255 characters without slashes.'),
    contentType: contentTypeSchema.describe('Its media type (RFC 9110, section 8.3.1).'),
    size: z.int().min(0).describe('Its size in bytes.'),
  })
  .meta({ id: 'NewUpload', description: 'A file that is to be uploaded.' });

/** Where a file is to be uploaded, and how. */
export interface CreatedUpload {
  readonly id: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly expiresAt: Date;
}

export interface OpenedFile extends FileInfo {
  /** In milliseconds since 1970: when the URL expires. */
  readonly expiresAt: number;
  read(range: ByteRange | undefined, signal: AbortSignal): Promise<Readable | AsyncIterable<Uint8Array>>;
}

/** What the submission of a job does with uploads: see `submit-files.ts`. */
export interface FileAccess {
  readonly store: FileStore;
  keys(): Promise<FileKeys>;
  now(): number;
}

export interface Files extends FileAccess {
  /**
   * Reserves an upload. Needs the scope `submit`.
   * @throws ServiceError `invalid-input`; `quota-exceeded`, for a caller with too many unused uploads; `service-unavailable`
   */
  createUpload(upload: unknown, caller: Caller, urls: Urls): Promise<CreatedUpload>;
  /** Adds URLs to the files in an input or a result of a job. */
  withUrls(job: Job, map: MapFiles, value: unknown, urls: Urls): Promise<unknown>;
  /** @throws ServiceError `forbidden`, for a token that is wrong or has expired; `not-found`; `service-unavailable` */
  openFile(jobId: string, fileId: string, token: string | undefined): Promise<OpenedFile>;
  /**
   * Stores what a client sends, whole or not at all.
   * @param length what the client says that it sends
   * @throws ServiceError `forbidden`, `not-found`; `precondition-failed`, for what is there already; `too-large` and `malformed-request`, for another
   * size than promised; `service-unavailable`
   */
  receiveUpload(upload: {
    readonly owner: string;
    readonly id: string;
    readonly token: string | undefined;
    readonly length: number | undefined;
    body(): AsyncIterable<Uint8Array>;
    readonly signal: AbortSignal;
  }): Promise<void>;
}

export function createFiles({ store, queue, maxUploadBytes, maxCallerBytes, now = Date.now }: FilesOptions): Files {
  const keys = createFileKeys(queue);

  /** @returns milliseconds since 1970 at which it expires */
  function requireToken(token: string | undefined, verify: (token: string) => number | undefined): number {
    const expires = token === undefined ? undefined : verify(token);
    if (expires === undefined || expires * 1000 <= now())
      throw new ServiceError('forbidden', 'The URL is not valid, or has expired.');
    return expires * 1000;
  }

  return {
    store,
    keys,
    now,

    async createUpload(upload, caller, urls) {
      const { id: callerId } = requireScope(caller, 'submit');
      const { size, ...info } = parseInput(newUploadSchema, upload);
      if (size > maxUploadBytes)
        throw parseFailure('size', `Too big: expected at most ${maxUploadBytes} bytes, which UPLOAD_MAX_BYTES sets`);
      const derived = await keys();
      const owner = derived.ownerOf(callerId);
      const id = newUploadId(now(), size);
      const { promise, data } = derived.ofUpload(owner, id);
      await orUnavailable(async () => {
        await store.write(promise, info, nothing(), { maxBytes: 0 });
        // Counted after it is written, so that any number at once stays within the bound.
        const waiting = uploadsIn(await store.names(derived.ofUploads(owner)));
        const bytes = waiting.reduce((sum, each) => sum + each.size, 0);
        if (waiting.length <= MAX_UPLOADS && bytes <= maxCallerBytes) return;
        await store.remove(promise);
        throw new ServiceError(
          'quota-exceeded',
          `Uploads that wait for their jobs may be ${MAX_UPLOADS}, with ${maxCallerBytes} bytes. Submit their jobs first, or wait until they expire.`,
          { retryAfter: 60 },
        );
      });
      const from = Math.floor(now() / 1000);
      const expires = from + UPLOAD_SECONDS;
      const access = (await store.direct?.writeUrl(data, { ...info, size }, from, UPLOAD_SECONDS)) ?? {
        url: urls.upload(owner, id, derived.sign('PUT', owner, id, expires)),
        headers: { 'Content-Type': info.contentType },
      };
      return { id, ...access, expiresAt: new Date(expires * 1000) };
    },

    async withUrls(job, map, value, urls) {
      const derived = await keys();
      const from = windowAt(now()) * WINDOW_SECONDS;
      const longest = isDone(job) ? Math.floor(job.expiresAt.getTime() / 1000) : Infinity;
      const expires = Math.min(from + URL_SECONDS, longest);
      const expiresAt = new Date(expires * 1000);
      const views = new Map<unknown, z.output<typeof fileViewSchema>>();
      const urlOf = async (id: string, key: string): Promise<string> =>
        store.direct === undefined
          ? urls.file(job.id, id, derived.sign('GET', job.id, id, expires))
          : store.direct.readUrl(key, from, Math.max(1, expires - from));
      const found: unknown[] = [];
      map(value, (file) => void found.push(file));
      for (const file of found) {
        const { data: known } = knownFile.safeParse(file);
        const key = known && derived.ofFile(job.id, known.id);
        if (key !== undefined && known !== undefined)
          views.set(file, { ...known, url: await urlOf(known.id, key), expiresAt });
      }
      // Another version of the job type may have stored something else.
      return map(value, (file) => views.get(file) ?? null);
    },

    async openFile(jobId, fileId, token) {
      const derived = await keys();
      const expiresAt = requireToken(token, (given) => derived.verify(given, 'GET', jobId, fileId));
      const key = derived.ofFile(jobId, fileId);
      const info = key === undefined ? undefined : await orUnavailable(() => store.stat(key));
      if (key === undefined || info === undefined) throw fileNotFound();
      return {
        ...info,
        expiresAt,
        read: (range, signal) => orUnavailable(() => store.read(key, range, signal)),
      };
    },

    async receiveUpload({ owner, id, token, length, body, signal }) {
      const derived = await keys();
      requireToken(token, (given) => derived.verify(given, 'PUT', owner, id));
      const upload = parseUploadId(id);
      if (upload === undefined) throw fileNotFound();
      const { promise, data } = derived.ofUpload(owner, id);
      if (length !== undefined) requireLength(length, upload.size);
      await orUnavailable(async () => {
        const [info, earlier] = await Promise.all([store.stat(promise), store.stat(data)]);
        if (info === undefined) throw fileNotFound();
        if (earlier !== undefined) throw uploadedAlready();
        await store.write(data, info, ofLength(body(), upload.size), { maxBytes: upload.size, signal });
      });
    },
  };
}

function windowAt(now: number): number {
  return Math.floor(now / 1000 / WINDOW_SECONDS);
}

/** Changes whenever URLs do. */
export function urlWindow(): string {
  return windowAt(Date.now()).toString(36);
}

async function* nothing(): AsyncGenerator<Uint8Array, void, void> {
  // No bytes.
}

/** What is stored of a file in a job. */
const knownFile = fileViewSchema.omit({ url: true, expiresAt: true });

/** The uploads that are promised. */
export function uploadsIn(names: readonly string[]) {
  return names.flatMap((name) => (name.endsWith('-promise') ? (parseUploadId(name.slice(0, -8)) ?? []) : []));
}

/** @throws ServiceError where the bytes end too early, or go on for too long */
async function* ofLength(body: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array, void, void> {
  let received = 0;
  for await (const chunk of body) {
    received += chunk.byteLength;
    if (received > size) break;
    yield chunk;
  }
  requireLength(received, size);
}

function requireLength(length: number, size: number): void {
  if (length === size) return;
  if (length > size) throw new ServiceError('too-large', `The upload was to have ${size} bytes, and has more.`);
  throw new ServiceError('malformed-request', `The upload was to have ${size} bytes, and has ${length}.`);
}

function parseFailure(field: string, message: string): ServiceError {
  return new ServiceError('invalid-input', `${field}: ${message}`, { issues: [{ path: [field], message }] });
}

function fileNotFound(): ServiceError {
  return new ServiceError('not-found', 'There is no such file, or no longer.');
}

function uploadedAlready(): ServiceError {
  return new ServiceError('precondition-failed', 'The file has been uploaded already, and is not replaced.');
}

/** Reports what the store says. @throws ServiceError `service-unavailable`, `not-found`, `precondition-failed` */
export async function orUnavailable<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof FileMissingError) throw fileNotFound();
    if (error instanceof FileExistsError) throw uploadedAlready();
    if (!(error instanceof FileStoreError)) throw error;
    throw new ServiceError('service-unavailable', 'Files cannot be reached at the moment. Try again later.', {
      retryAfter: RETRY_AFTER_SECONDS,
      cause: error,
    });
  }
}
