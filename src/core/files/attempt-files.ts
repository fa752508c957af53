/** The files of one attempt: those that its function makes, and those of its input. */
import { Readable } from 'node:stream';
import type { z } from 'zod';
import { settlesWithin } from '../deadline.ts';
import { JobError } from '../job-error.ts';
import type { JobQueue } from '../ports.ts';
import { contentTypeSchema, fileNameSchema } from './file-info.ts';
import { createFileKeys, newFileId } from './file-keys.ts';
import type { StoredFile } from './file-ref.ts';
import { type FileBody, FileMissingError, type FileStore, toChunks } from './file-store.ts';

/** Files that one attempt may make. */
const MAX_FILES = 1000;
/** The longest wait for the removal of unreadable files, in milliseconds: the rest goes with the job. */
const REMOVE_MS = 5000;

export interface FileOptions {
  /**
   * The media type, such as `application/pdf` (RFC 9110, section 8.3.1).
   * @default 'application/octet-stream'
   */
  readonly contentType?: string | undefined;
}

/** What workers keep files in: the folder of each job. */
export interface JobFiles {
  /** Bytes of one file. */
  readonly maxBytes: number;
  write(jobId: string, file: NewFile): Promise<StoredFile>;
  /** @throws FileMissingError */
  read(jobId: string, fileId: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  remove(jobId: string, fileId: string): Promise<void>;
}

export interface NewFile {
  readonly name: string;
  readonly contentType: string;
  readonly body: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}

/** @param maxBytes of one file */
export function createJobFiles(store: FileStore, queue: Pick<JobQueue, 'readSecret'>, maxBytes: number): JobFiles {
  const keys = createFileKeys(queue);

  async function keyOf(jobId: string, fileId: string): Promise<string> {
    const key = (await keys()).ofFile(jobId, fileId);
    if (key === undefined) throw new FileMissingError('there is no such file');
    return key;
  }

  return {
    maxBytes,
    async write(jobId, { name, contentType, body, signal }) {
      // A new name each time, so that neither a later attempt nor one that has lost its job writes to a file of another one.
      const id = newFileId(Date.now());
      const key = await keyOf(jobId, id);
      return { id, ...(await store.write(key, { name, contentType }, body, { maxBytes, signal })) };
    },
    read: async (jobId, fileId, signal) => store.read(await keyOf(jobId, fileId), undefined, signal),
    remove: async (jobId, fileId) => store.remove(await keyOf(jobId, fileId)),
  };
}

/** What a function does with files, made when it does so first. */
export class AttemptFiles {
  readonly #jobId: string;
  readonly #files: JobFiles;
  readonly #made = new Map<string, StoredFile>();
  #count = 0;

  constructor(jobId: string, files: JobFiles) {
    this.#jobId = jobId;
    this.#files = files;
  }

  async write(
    name: string,
    body: FileBody,
    { contentType = 'application/octet-stream' }: FileOptions,
    signal: AbortSignal,
  ) {
    requireValid('name', fileNameSchema, name);
    requireValid('contentType', contentTypeSchema, contentType);
    this.#count += 1;
    if (this.#count > MAX_FILES) throw new Error(`an attempt may make ${MAX_FILES} files`);
    const file = await this.#files.write(this.#jobId, { name, contentType, body: toChunks(body, signal), signal });
    this.#made.set(file.id, file);
    return file;
  }

  /** @throws JobError `FILE_MISSING` */
  async open(file: Pick<StoredFile, 'id'>, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    try {
      const bytes = await this.#files.read(this.#jobId, file.id, signal);
      // The same class at run time, which the types of Node and of browsers describe differently.
      return Readable.toWeb(Readable.from(bytes, { objectMode: false })) as unknown as ReadableStream<Uint8Array>;
    } catch (error) {
      if (!(error instanceof FileMissingError)) throw error;
      throw new JobError('FILE_MISSING', 'A file of the job is no longer there.', { retry: false });
    }
  }

  /** What was made under an id. */
  get(id: string): StoredFile | undefined {
    return this.#made.get(id);
  }

  /** Removes the files that callers will not read. Never rejects: what is left goes with the job. */
  async removeAllBut(kept: ReadonlySet<string>): Promise<void> {
    const left = [...this.#made.keys()].filter((id) => !kept.has(id));
    const removed = Promise.allSettled(left.map((id) => this.#files.remove(this.#jobId, id)));
    if (left.length > 0) await settlesWithin(removed, REMOVE_MS);
  }
}

function requireValid(field: string, schema: z.ZodType, value: unknown): void {
  const { error } = schema.safeParse(value);
  // Without the value, which may be personal.
  if (error !== undefined) throw new TypeError(`job.file: ${field}: ${error.issues[0]?.message}`);
}
