import { createHash } from 'node:crypto';
import type { z } from 'zod';
import type { JobFiles } from '../core/files/attempt-files.ts';
import { newFileId } from '../core/files/file-keys.ts';
import { type StoredFile, filesIn } from '../core/files/file-ref.ts';
import { FileMissingError } from '../core/files/file-store.ts';

/** A file that an input names by its id. */
export interface TestUpload {
  readonly name: string;
  readonly body: string | Uint8Array;
  /** @default 'application/octet-stream' */
  readonly contentType?: string;
}

/** A file that a job made. */
export interface TestFile extends StoredFile {
  readonly bytes: Uint8Array;
}

/** The files of one run, in memory. */
export interface MemoryFiles extends JobFiles {
  /** Those that the function made and that its result has. */
  made(): readonly TestFile[];
  /** An input with all that is known of the files in it; those that are not known stay as they are. */
  complete(schema: z.ZodType, input: unknown): unknown;
}

export function createMemoryFiles(uploads: Readonly<Record<string, TestUpload>>): MemoryFiles {
  const all = new Map<string, TestFile>();
  const made = new Set<string>();

  function add(name: string, contentType: string, bytes: Uint8Array): StoredFile {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const file = { id: newFileId(Date.now()), name, contentType, size: bytes.byteLength, sha256 };
    all.set(file.id, { ...file, bytes });
    return file;
  }

  return {
    maxBytes: Infinity,
    async write(_jobId, { name, contentType, body, signal }) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of body) {
        signal.throwIfAborted();
        chunks.push(chunk);
      }
      const file = add(name, contentType, Buffer.concat(chunks));
      made.add(file.id);
      return file;
    },
    async read(_jobId, id) {
      const file = all.get(id);
      if (file === undefined) throw new FileMissingError('there is no such file');
      return chunksOf(file.bytes);
    },
    async remove(_jobId, id) {
      all.delete(id);
    },
    made: () => [...all.values()].filter(({ id }) => made.has(id)),
    complete(schema, input) {
      return (
        filesIn(schema)?.(input, (value) => {
          const { id }: { id?: unknown } = Object(value);
          const upload = typeof id === 'string' && Object.hasOwn(uploads, id) ? uploads[id] : undefined;
          if (upload === undefined) return value;
          const { name, body, contentType = 'application/octet-stream' } = upload;
          return add(name, contentType, Buffer.from(body));
        }) ?? input
      );
    },
  };
}

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}
