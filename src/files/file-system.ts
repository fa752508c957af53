/** Files in a folder that the processes share. */
import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, link, mkdir, open, readFile, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type FileInfo, fileInfoSchema } from '../core/files/file-info.ts';
import {
  FileExistsError,
  FileMissingError,
  type FileStore,
  FileStoreError,
  FileTooLargeError,
} from '../core/files/file-store.ts';
import { StartError } from '../core/start-error.ts';

/** Bytes that are read at a time. */
const CHUNK_BYTES = 256 * 1024;
/** A file that is being written grows, or its writer gives up. What has not grown for so long has no writer. */
const ABANDONED_MS = 3_600_000;
/** Folders that are named at a time. */
const PAGE = 1000;
const KEY = /^[\w-]+(\/[\w-]+)*$/;
const UNFINISHED = '.unfinished';

/**
 * Each file is a folder with its bytes in `data` and the rest in `info.json`. It is made elsewhere and renamed, which happens whole or not
 * at all, and only where there is none.
 */
export function createFileSystemStore(root: string): FileStore {
  const unfinished = join(root, UNFINISHED);

  function pathOf(key: string): string {
    if (!KEY.test(key)) throw new TypeError('not a key of a file');
    return join(root, key);
  }

  /**
   * Makes a file under a key, of what `fill` writes into a new folder.
   * @param isOthers whether an error is that of the bytes' author rather than of this store
   */
  async function place(
    key: string,
    fill: (folder: string) => Promise<void>,
    isOthers: (error: unknown) => boolean = () => false,
  ): Promise<void> {
    const path = pathOf(key);
    const made = join(unfinished, randomBytes(16).toString('hex'));
    try {
      await mkdir(made, { recursive: true, mode: 0o700 });
      await fill(made);
      await syncFolder(made);
      await moveInto(made, path);
    } catch (error) {
      await rm(made, { recursive: true, force: true }).catch(() => undefined);
      throw isOthers(error) ? error : toStoreError(error);
    }
  }

  return {
    description: `file:${root}`,

    async write(key, { name, contentType }, body, { maxBytes, signal }) {
      let info: FileInfo | undefined;
      const watched = watchErrors(body);
      const fill = async (folder: string): Promise<void> => {
        const written = await writeData(join(folder, 'data'), watched.body, maxBytes, signal);
        info = { name, contentType, ...written };
        await writeInfo(folder, info);
      };
      await place(key, fill, (error) => watched.failed?.error === error);
      if (info === undefined) throw new Error('a file was placed without its bytes');
      return info;
    },

    async stat(key) {
      const path = pathOf(key);
      try {
        const [text, { size }] = await Promise.all([
          readFile(join(path, 'info.json'), 'utf8'),
          stat(join(path, 'data')),
        ]);
        return { ...fileInfoSchema.parse(JSON.parse(text)), size };
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined;
        throw toStoreError(error);
      }
    },

    async read(key, range, signal) {
      const file = await open(join(pathOf(key), 'data')).catch((error: unknown) => {
        throw codeOf(error) === 'ENOENT' ? new FileMissingError('there is no such file') : toStoreError(error);
      });
      return file.createReadStream({ ...range, highWaterMark: CHUNK_BYTES, signal });
    },

    async copy(from, to) {
      const source = pathOf(from);
      try {
        await place(to, async (folder) => {
          // The same bytes under two names, of which each is removed by itself.
          for (const name of ['data', 'info.json']) await link(join(source, name), join(folder, name));
        });
      } catch (error) {
        if (error instanceof FileExistsError) return;
        throw error;
      }
    },

    async remove(key) {
      const path = pathOf(key);
      await removeAll(path);
      // The folder, if that was the last file in it.
      await rmdir(dirname(path)).catch(() => undefined);
    },

    async removeFolder(folder) {
      const path = pathOf(folder);
      await removeAll(path);
      // The folder above is named after a minute or a caller, and another process may add to it.
      await rmdir(dirname(path)).catch(() => undefined);
    },

    async folders(top, after) {
      const found: string[] = [];
      const [, afterOuter = '', afterInner = ''] = after?.split('/').slice(-3) ?? [];
      for (const outer of await namesIn(pathOf(top))) {
        if (outer < afterOuter) continue;
        for (const inner of await namesIn(pathOf(`${top}/${outer}`))) {
          if (outer === afterOuter && inner <= afterInner) continue;
          found.push(`${top}/${outer}/${inner}`);
          if (found.length === PAGE) return found;
        }
      }
      return found;
    },

    names: (folder) => namesIn(pathOf(folder)),

    async removeUnfinished() {
      for (const name of await namesIn(unfinished)) {
        const path = join(unfinished, name);
        const { mtimeMs } = await stat(join(path, 'data'))
          .catch(() => stat(path))
          .catch(() => ({ mtimeMs: Infinity }));
        if (mtimeMs < Date.now() - ABANDONED_MS) await removeAll(path);
      }
    },

    async check() {
      try {
        await mkdir(unfinished, { recursive: true, mode: 0o700 });
        const probe = join(unfinished, randomBytes(16).toString('hex'));
        await mkdir(probe);
        await rmdir(probe);
      } catch (error) {
        throw new StartError(`ARTIFACTS_URL: files cannot be written to ${root}: ${messageOf(error)}`, {
          cause: error,
        });
      }
    },
  };
}

/** Tells errors of the bytes' author from those of the disk. */
function watchErrors(body: AsyncIterable<Uint8Array>) {
  const watched: { readonly body: AsyncIterable<Uint8Array>; failed?: { readonly error: unknown } } = { body: watch() };
  async function* watch(): AsyncGenerator<Uint8Array, void, void> {
    try {
      yield* body;
    } catch (error) {
      watched.failed = { error };
      throw error;
    }
  }
  return watched;
}

/** @throws FileExistsError, also where another process was faster */
async function moveInto(made: string, path: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    try {
      await rename(made, path);
      await syncFolder(dirname(path));
      return;
    } catch (error) {
      const code = codeOf(error);
      // Windows says EPERM.
      if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'EPERM')
        throw new FileExistsError('the file is there already');
      // A sweep removed the empty folder in between.
      if (code !== 'ENOENT' || tries === 3) throw error;
    }
  }
}

async function writeData(path: string, body: AsyncIterable<Uint8Array>, maxBytes: number, signal?: AbortSignal) {
  const hash = createHash('sha256');
  let size = 0;
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const chunk of body) {
      signal?.throwIfAborted();
      size += chunk.byteLength;
      if (size > maxBytes) throw new FileTooLargeError(maxBytes);
      hash.update(chunk);
      await writeWhole(file, chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  signal?.throwIfAborted();
  return { size, sha256: hash.digest('hex') };
}

async function writeWhole(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let from = 0; from < chunk.byteLength;) from += (await file.write(chunk, from)).bytesWritten;
}

async function writeInfo(folder: string, { name, contentType, sha256 }: FileInfo): Promise<void> {
  const file = await open(join(folder, 'info.json'), 'wx', 0o600);
  try {
    await file.writeFile(JSON.stringify({ name, contentType, sha256 }));
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  // Windows cannot open a folder, and writes its entries by itself.
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).toSorted();
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw toStoreError(error);
  }
}

/** Another process may remove the same. */
async function removeAll(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    throw toStoreError(error);
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What the file system says becomes one error of the store; what the writer of the bytes threw stays. */
function toStoreError(error: unknown): unknown {
  const code = codeOf(error);
  if (!(error instanceof Error) || !('syscall' in error) || code === undefined) return error;
  if (code === 'ENOENT') return new FileMissingError('there is no such file', { cause: error });
  return new FileStoreError(`the folder of files cannot be used: ${code}`, { cause: error });
}
