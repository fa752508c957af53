/** Where the files of a queue are, and what the URLs of them prove. */
import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import type { JobQueue } from '../ports.ts';
import { FILE_ID } from './file-ref.ts';

/** Separates these signatures from later forms, and their key from other keys derived from the queue's secret. */
const VERSION = 'accepted files 1';
const MINUTE_MS = 60_000;
/** A token: when it expires, in seconds since 1970, and a MAC. */
const TOKEN = /^(\d{1,12})\.([\w-]{43})$/;
/** The minute and the random part of a file's id, and its size in bytes. */
const UPLOAD_ID = /^([\da-f]{8})-([\da-f]{32})-([\da-z]{1,10})$/;

/** What may be done with a URL: reading a file of a job, or writing an upload of a caller. */
export type FileAction = 'GET' | 'PUT';

export interface UploadId {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly size: number;
  /** Of the file that a job makes of it. */
  readonly random: string;
}

/** Derived from the secret of a queue, so that another queue beside it neither reads nor removes its files. */
export interface FileKeys {
  /** The folder with the folders of all jobs: `{minute}/{job}`. */
  readonly jobs: string;
  /** The folder with the folders of all callers' uploads. */
  readonly uploads: string;
  /** Undefined for what is not an id. */
  ofFile(jobId: string, fileId: string): string | undefined;
  /** The name of a caller in URLs and folders, which does not reveal the caller. */
  ownerOf(caller: string): string;
  ofUploads(owner: string): string;
  /** Of what was promised, and of what was sent. */
  ofUpload(owner: string, id: string): { readonly promise: string; readonly data: string };
  /** @param expires seconds since 1970 */
  sign(action: FileAction, owner: string, id: string, expires: number): string;
  /** @returns whether a token is right, and when it expires */
  verify(token: string, action: FileAction, owner: string, id: string): number | undefined;
}

export function createFileKeys(queue: Pick<JobQueue, 'readSecret'>): () => Promise<FileKeys> {
  let known: { readonly secret: string; readonly keys: FileKeys } | undefined;
  return async () => {
    const secret = await queue.readSecret();
    if (known?.secret !== secret) known = { secret, keys: keysOf(secret) };
    return known.keys;
  };
}

function keysOf(secret: string): FileKeys {
  const key = Buffer.from(hkdfSync('sha256', secret, '', VERSION, 32));
  const mac = (text: string): Buffer => createHmac('sha256', key).update(`${VERSION}:${text}`).digest();
  const space = mac('space').toString('hex', 0, 8);
  const signed = (action: FileAction, owner: string, id: string, expires: number): string =>
    mac(`${action} ${owner} ${id} ${expires}`).toString('base64url');
  const ofUploads = (owner: string): string => `${space}/uploads/${owner.slice(0, 2)}/${owner}`;
  return {
    jobs: `${space}/jobs`,
    uploads: `${space}/uploads`,
    ofFile(jobId, fileId) {
      const [, minute, random] = FILE_ID.exec(fileId) ?? [];
      return minute === undefined ? undefined : `${space}/jobs/${minute}/${jobId}/${random}`;
    },
    ownerOf: (caller) => mac(`caller ${caller}`).toString('hex', 0, 16),
    ofUploads,
    ofUpload(owner, id) {
      const base = `${ofUploads(owner)}/${id}`;
      return { promise: `${base}-promise`, data: `${base}-data` };
    },
    sign: (action, owner, id, expires) => `${expires}.${signed(action, owner, id, expires)}`,
    verify(token, action, owner, id) {
      const [, expires = '', given = ''] = TOKEN.exec(token) ?? [];
      if (given === '') return undefined;
      // Compared as text, because several base64url texts may decode to the same bytes. Both have 43 characters.
      const expected = Buffer.from(signed(action, owner, id, Number(expires)));
      return timingSafeEqual(Buffer.from(given), expected) ? Number(expires) : undefined;
    },
  };
}

/** The id of a file that is made now. @param random by default, another one each time */
export function newFileId(now: number, random = randomBytes(16).toString('hex')): string {
  return `${minuteText(now)}-${random}`;
}

export function newUploadId(now: number, size: number): string {
  return `${newFileId(now)}-${size.toString(36)}`;
}

export function parseUploadId(id: string): UploadId | undefined {
  const [, minute = '', random = '', size = ''] = UPLOAD_ID.exec(id) ?? [];
  return size === ''
    ? undefined
    : { id, createdAt: Number.parseInt(minute, 16) * MINUTE_MS, size: Number.parseInt(size, 36), random };
}

function minuteText(now: number): string {
  return Math.floor(now / MINUTE_MS)
    .toString(16)
    .padStart(8, '0');
}

/** The job of a folder, and the beginning of the minute in which its files were made. */
export function parseJobFolder(folder: string): { readonly jobId: string; readonly madeAt: number } {
  const [minute = '', jobId = ''] = folder.split('/').slice(-2);
  return { jobId, madeAt: Number.parseInt(minute, 16) * MINUTE_MS };
}
