/** Files in a bucket of any server that speaks S3's API. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type FileInfo, dispositionOf, encodeValue } from '../core/files/file-info.ts';
import {
  FileMissingError,
  type FileStore,
  FileStoreError,
  FileTooLargeError,
  type WriteOptions,
} from '../core/files/file-store.ts';
import { StartError } from '../core/start-error.ts';
import { type S3Requests, type S3Settings, createS3Requests } from './s3-requests.ts';

/** Bytes of a part: what one file that is being written holds in memory, twice at most. S3 takes 10,000 parts of at least this size. */
const PART_BYTES = 5 * 1024 * 1024;
const MAX_PARTS = 10_000;
/** Pages of a thousand names each. */
const MAX_PAGES = 10;
/** Requests that remove files at a time. */
const AT_ONCE = 10;
/** Times that a request is sent, and milliseconds before the second time. */
const TRIES = 3;
const TRY_AGAIN_MS = 200;

export function createS3Store(settings: S3Settings): FileStore {
  const { bucket, prefix, endpoint } = settings;
  const requests = createS3Requests(settings);
  const send = retried(requests.send);

  async function list(under: string, after: string | undefined): Promise<string[]> {
    const query = {
      'list-type': '2',
      prefix: `${prefix}${under}/`,
      ...(after !== undefined && { 'start-after': prefix + after }),
    };
    const { text } = await send('GET', '', { query });
    return [...text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = '']) => key.slice(prefix.length));
  }

  async function remove(key: string): Promise<void> {
    await send('DELETE', prefix + key, { expect: [200, 204, 404] });
  }

  async function namesIn(folder: string): Promise<string[]> {
    const names: string[] = [];
    for (let page = 0, after: string | undefined; page < MAX_PAGES; page += 1) {
      const keys = await list(folder, after);
      names.push(...keys.map((key) => key.slice(folder.length + 1)));
      after = keys.at(-1);
      if (after === undefined) break;
    }
    return names;
  }

  return {
    description: `s3:${endpoint}/${bucket}/${prefix}`,

    direct: {
      origin: settings.publicEndpoint,
      readUrl: async (key, from, seconds) => requests.presign('GET', prefix + key, {}, from, seconds),
      async writeUrl(key, { size, ...info }, from, seconds) {
        // Nobody sets the first one by hand: a browser does it.
        const headers = { 'content-length': String(size), 'if-none-match': '*', ...headersOf(info) };
        const url = await requests.presign('PUT', prefix + key, headers, from, seconds);
        return { url, headers: { 'If-None-Match': '*', ...headersOf(info) } };
      },
    },

    async write(key, info, body, options) {
      const hash = createHash('sha256');
      const size = await writeParts(requests, prefix + key, headersOf(info), hashed(body, hash, options), options);
      return { ...info, size, sha256: hash.digest('hex') };
    },

    async stat(key) {
      const { status, headers } = await send('HEAD', prefix + key, { expect: [200, 404] });
      if (status === 404) return undefined;
      return {
        name: decodeURIComponent(headers.get('x-amz-meta-name') ?? ''),
        contentType: headers.get('content-type') ?? 'application/octet-stream',
        size: Number(headers.get('content-length') ?? 0),
        sha256: null,
      };
    },

    async read(key, range, signal) {
      const headers = range && { range: `bytes=${range.start}-${range.end}` };
      return requests.open(prefix + key, { headers, signal });
    },

    async copy(from, to) {
      const source = `/${bucket}/${prefix}${from}`;
      const { status, text } = await send('PUT', prefix + to, {
        headers: { 'x-amz-copy-source': source },
        expect: [200, 404],
        long: true,
      });
      if (status === 404 || text.includes('<Code>NoSuchKey</Code>'))
        throw new FileMissingError('there is no such file');
      // S3 begins its reply before it has copied.
      if (text.includes('<Error>')) throw new FileStoreError('S3 could not copy a file');
    },

    remove,

    async removeFolder(folder) {
      const names = await namesIn(folder);
      for (let from = 0; from < names.length; from += AT_ONCE)
        await Promise.all(names.slice(from, from + AT_ONCE).map((name) => remove(`${folder}/${name}`)));
    },

    async folders(root, after) {
      const depth = root.split('/').length + 2;
      // Behind all names in the last folder: they have letters, digits, `-` and `_`.
      const keys = await list(root, after === undefined ? undefined : `${after}/~`);
      return [...new Set(keys.map((key) => key.split('/').slice(0, depth).join('/')))];
    },

    names: namesIn,

    // A rule of the bucket removes parts of uploads that were never completed: see docs/operations.md.
    removeUnfinished: async () => undefined,

    async check() {
      const { status } = await send('HEAD', '', { expect: [200, 301, 400, 403, 404] });
      if (status === 200) return;
      const reasons: Readonly<Record<number, string>> = {
        301: 'the bucket is in another region',
        403: 'access is denied',
        404: 'there is no such bucket',
      };
      throw new StartError(`ARTIFACTS_URL: ${bucket} at ${endpoint}: ${reasons[status] ?? `the reply is ${status}`}`);
    },
  };
}

function headersOf({ name, contentType }: Pick<FileInfo, 'name' | 'contentType'>): Record<string, string> {
  return {
    'Content-Type': contentType,
    'Content-Disposition': dispositionOf({ name, contentType }),
    'x-amz-meta-name': encodeValue(name),
  };
}

/** Counts and hashes what goes by. */
async function* hashed(
  body: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
  { maxBytes, signal }: WriteOptions,
): AsyncGenerator<Uint8Array, void, void> {
  let size = 0;
  for await (const chunk of body) {
    signal?.throwIfAborted();
    size += chunk.byteLength;
    if (size > maxBytes) throw new FileTooLargeError(maxBytes);
    hash.update(chunk);
    yield chunk;
  }
}

/** Cuts bytes into parts of one size, but for the last one. There is at least one. A part is overwritten when the second one after it is asked for. */
async function* toParts(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  let [part, other] = [Buffer.allocUnsafe(PART_BYTES), undefined as Buffer<ArrayBuffer> | undefined];
  let used = 0;
  let count = 0;
  for await (const chunk of body) {
    for (let from = 0; from < chunk.byteLength;) {
      const taken = Math.min(PART_BYTES - used, chunk.byteLength - from);
      part.set(chunk.subarray(from, from + taken), used);
      used += taken;
      from += taken;
      if (used < PART_BYTES) continue;
      yield part;
      count += 1;
      [part, other] = [other ?? Buffer.allocUnsafe(PART_BYTES), part];
      used = 0;
    }
  }
  if (used > 0 || count === 0) yield part.subarray(0, used);
}

/** Writes a small file at once, and a larger one in parts, which nobody can read before the last step. @returns bytes */
async function writeParts(
  { send: sendOnce }: S3Requests,
  key: string,
  headers: Record<string, string>,
  body: AsyncIterable<Uint8Array>,
  { signal }: WriteOptions,
): Promise<number> {
  const send = retried(sendOnce);
  const parts: string[] = [];
  let size = 0;
  let uploadId: string | undefined;
  let first: Uint8Array<ArrayBuffer> | undefined;
  const sendPart = async (part: Uint8Array<ArrayBuffer>): Promise<void> => {
    if (uploadId === undefined) {
      const { text } = await send('POST', key, { query: { uploads: '' }, headers, signal });
      uploadId = /<UploadId>([^<]+)<\/UploadId>/.exec(text)?.[1];
      if (uploadId === undefined) throw new FileStoreError('S3 did not begin an upload of several parts');
    }
    if (parts.length === MAX_PARTS) throw new FileTooLargeError(MAX_PARTS * PART_BYTES);
    const query = { partNumber: String(parts.length + 1), uploadId };
    const reply = await send('PUT', key, { query, body: part, signal, long: true });
    parts.push(reply.headers.get('etag') ?? '');
  };
  try {
    for await (const part of toParts(body)) {
      size += part.byteLength;
      // Only the second one shows that there are several.
      if (first === undefined) first = part;
      else {
        if (parts.length === 0) await sendPart(first);
        await sendPart(part);
      }
    }
    signal?.throwIfAborted();
    if (uploadId === undefined) await send('PUT', key, { headers, body: first, signal, long: true });
    else {
      const listed = parts.map(
        (etag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag}</ETag></Part>`,
      );
      const xml = Buffer.from(`<CompleteMultipartUpload>${listed.join('')}</CompleteMultipartUpload>`);
      const { text } = await send('POST', key, { query: { uploadId }, body: xml, signal, long: true });
      if (text.includes('<Error>')) throw new FileStoreError('S3 could not complete an upload of several parts');
    }
    return size;
  } catch (error) {
    if (uploadId !== undefined) {
      const aborted = sendOnce('DELETE', key, { query: { uploadId }, expect: [200, 204, 404] });
      await aborted.catch(() => undefined);
    }
    throw error;
  }
}

/** Each request may be repeated: none does more the second time. */
function retried(send: S3Requests['send']): S3Requests['send'] {
  return async (method, key, options = {}) => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await send(method, key, options);
      } catch (error) {
        if (!(error instanceof FileStoreError) || !error.mayPass || tries === TRIES) throw error;
      }
      await delay(TRY_AGAIN_MS * 2 ** tries * (0.5 + Math.random() / 2), undefined, { signal: options.signal });
    }
  };
}
