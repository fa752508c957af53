/** The port to where files are, beside the queue. */
import type { FileInfo } from './file-info.ts';

/** A part of a file, both ends included, in bytes. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** What a function gives for a file's bytes. Node's streams and `ReadableStream` are async iterables. */
export type FileBody = string | Uint8Array | AsyncIterable<string | Uint8Array>;

export interface WriteOptions {
  /** Bytes beyond which the file is refused. */
  readonly maxBytes: number;
  /** Ends the writing, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A request that a client sends to the store itself. */
export interface DirectUpload {
  readonly url: string;
  /** To send exactly so. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A store whose own URLs clients use. */
export interface DirectAccess {
  /** Of those URLs, as in `https://s3.example.com`. */
  readonly origin: string;
  /** The same for the same arguments. @param from seconds since 1970 at which the URL begins to count */
  readUrl(key: string, from: number, seconds: number): Promise<string>;
  writeUrl(key: string, info: Omit<FileInfo, 'sha256'>, from: number, seconds: number): Promise<DirectUpload>;
}

/**
 * Keeps files under keys of this program's making: `[a-z0-9A-Z_-]+` in parts with `/` between them, never a caller's text. A key whose last part is removed is
 * called a folder. Each call has a deadline, and throws a `FileStoreError` where the store cannot be reached.
 */
export interface FileStore {
  /** For people; without credentials. */
  readonly description: string;
  /** Undefined: clients read and write at URLs of this server. */
  readonly direct?: DirectAccess;
  /**
   * Stores a file whole, or nothing: it cannot be read before all of it is there. Holds a bounded part of it in memory.
   * @throws FileTooLargeError, FileExistsError
   */
  write(
    key: string,
    info: Pick<FileInfo, 'name' | 'contentType'>,
    body: AsyncIterable<Uint8Array>,
    options: WriteOptions,
  ): Promise<FileInfo>;
  /** Undefined for no such file. */
  stat(key: string): Promise<FileInfo | undefined>;
  /** The bytes, which wait for their reader. @throws FileMissingError */
  read(key: string, range?: ByteRange, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** Makes a copy without moving the bytes through this process, unless there is one. @throws FileMissingError */
  copy(from: string, to: string): Promise<void>;
  /** Removes a file, or nothing. */
  remove(key: string): Promise<void>;
  /** Removes all files of a folder. */
  removeFolder(folder: string): Promise<void>;
  /** The next folders below a root, in the order of their names. Empty: there are no more. @param after the last one that is known */
  folders(root: string, after: string | undefined): Promise<readonly string[]>;
  /** The last parts of the keys in a folder, at most some thousands. */
  names(folder: string): Promise<readonly string[]>;
  /** Removes what killed processes left half written, and that no process can still be writing. */
  removeUnfinished(): Promise<void>;
  /**
   * Makes sure that files can be written.
   * @throws StartError, which names the setting; FileStoreError where the store cannot be reached
   */
  check(): Promise<void>;
}

/** The store could not be reached, or did not answer in time. */
export class FileStoreError extends Error {
  override readonly name = 'FileStoreError';
  /** Whether the same may succeed soon. */
  readonly mayPass: boolean;

  constructor(
    message: string,
    { mayPass = false, cause }: { readonly mayPass?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.mayPass = mayPass;
  }
}

/** The file is larger than it may be. */
export class FileTooLargeError extends Error {
  override readonly name = 'FileTooLargeError';

  constructor(maxBytes: number) {
    super(`the file has more than ${maxBytes} bytes`);
  }
}

/** A file that is written once is there already. */
export class FileExistsError extends Error {
  override readonly name = 'FileExistsError';
}

/** There is no such file, or no longer. */
export class FileMissingError extends Error {
  override readonly name = 'FileMissingError';
}

/** Bytes of what a function gave. @param signal ends it with its reason, also while it waits for the next ones */
export async function* toChunks(body: FileBody, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  if (typeof body === 'string' || body instanceof Uint8Array) return yield toBytes(body);
  const iterator = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await unlessAborted(iterator.next(), signal);
      if (done === true) return;
      yield toBytes(value);
    }
  } finally {
    // It may hang as well.
    iterator.return?.().then(undefined, () => undefined);
  }
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function toBytes(chunk: string | Uint8Array): Uint8Array {
  if (typeof chunk === 'string') return Buffer.from(chunk);
  if (chunk instanceof Uint8Array) return chunk;
  throw new TypeError('a file is made of text and Uint8Array, or a stream of them');
}
