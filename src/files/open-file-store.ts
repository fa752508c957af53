/** The store of files that the settings name. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FileStore } from '../core/files/file-store.ts';
import { StartError } from '../core/start-error.ts';
import { createFileSystemStore } from './file-system.ts';
import { createS3Store } from './s3.ts';

export interface FileStoreSettings {
  /** `file:` or `s3://`; undefined: a folder in DATA_DIR. */
  readonly ARTIFACTS_URL?: string | undefined;
  readonly DATA_DIR: string;
  readonly AWS_ACCESS_KEY_ID?: string | undefined;
  readonly AWS_SECRET_ACCESS_KEY?: string | undefined;
  readonly AWS_SESSION_TOKEN?: string | undefined;
  readonly AWS_REGION?: string | undefined;
}

const PARAMETERS = ['endpoint', 'public', 'region'] as const;
/** Of names of buckets and keys, those characters that need no encoding. */
const SAFE_PATH = /^[\w.-]+(\/[\w.-]+)*$/;

/** Whether files may be left, although no job type has any more. */
export function mayHaveFiles({ ARTIFACTS_URL, DATA_DIR }: FileStoreSettings): boolean {
  return ARTIFACTS_URL !== undefined || existsSync(join(DATA_DIR, 'files'));
}

/** @throws StartError, which names the setting */
export function openFileStore(settings: FileStoreSettings): FileStore {
  const { ARTIFACTS_URL: url, DATA_DIR } = settings;
  if (url === undefined) return createFileSystemStore(resolve(join(DATA_DIR, 'files')));
  return url.startsWith('file:') ? createFileSystemStore(toPath(url)) : openS3(url, settings);
}

/** A `file:` URL, with or without a host, or with a path that begins in the working directory. */
function toPath(url: string): string {
  try {
    return url.startsWith('file:/') ? fileURLToPath(url) : resolve(url.slice('file:'.length));
  } catch (cause) {
    throw new StartError('ARTIFACTS_URL: expected a file: URL with a path, such as file:///srv/files', { cause });
  }
}

function openS3(url: string, settings: FileStoreSettings): FileStore {
  const { hostname: bucket, pathname, searchParams, username, password } = new URL(url);
  const path = pathname.replaceAll(/^\/+|\/+$/g, '');
  if (username !== '' || password !== '')
    throw new StartError('ARTIFACTS_URL: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead of credentials in it');
  if (!SAFE_PATH.test(bucket) || (path !== '' && !SAFE_PATH.test(path)))
    throw new StartError('ARTIFACTS_URL: expected s3://bucket or s3://bucket/prefix, of letters, digits, . _ and -');
  const unknown = [...searchParams.keys()].find((name) => !PARAMETERS.some((known) => known === name));
  if (unknown !== undefined)
    throw new StartError(`ARTIFACTS_URL: unknown parameter "${unknown}"; expected ${PARAMETERS.join(', ')}`);
  const region = searchParams.get('region') ?? settings.AWS_REGION ?? 'us-east-1';
  const endpoint = toOrigin('endpoint', searchParams.get('endpoint') ?? `https://s3.${region}.amazonaws.com`);
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = settings;
  if (accessKeyId === undefined) throw new StartError('AWS_ACCESS_KEY_ID: not set, and required by ARTIFACTS_URL');
  if (secretAccessKey === undefined)
    throw new StartError('AWS_SECRET_ACCESS_KEY: not set, and required by ARTIFACTS_URL');
  return createS3Store({
    bucket,
    prefix: path === '' ? '' : `${path}/`,
    endpoint,
    publicEndpoint: toOrigin('public', searchParams.get('public') ?? endpoint),
    region,
    accessKeyId,
    secretAccessKey,
    sessionToken: settings.AWS_SESSION_TOKEN,
  });
}

function toOrigin(parameter: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.pathname !== '/')
    throw new StartError(`ARTIFACTS_URL: ${parameter}: expected a URL such as https://s3.example.com`);
  return url.origin;
}
