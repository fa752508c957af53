import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { PGlite, type PGliteOptions } from '@electric-sql/pglite';
import { StartError } from '../core/start-error.ts';
import { DurableFiles } from './durable-files.ts';
import { lockFolder } from './folder-lock.ts';
import { syncFolder, syncPath } from './private-folder.ts';

/** PostgreSQL's default of 128 MB would all be memory of this process. */
const SHARED_BUFFERS = 'shared_buffers=16MB';
/** Emscripten's `fdatasync` does nothing. */
const SYNC_METHOD = 'wal_sync_method=fsync';
/** PostgreSQL's log of changes would take up to 1 GB. */
const LOG_SIZE = ['min_wal_size=8MB', 'max_wal_size=16MB'];
/** Less memory for the creation: no optimized code for what runs once, and garbage is collected soon. */
const CREATION_FLAGS = ['--liftoff-only', '--max-old-space-size=60', '--max-semi-space-size=1'];
/** Turns off `fsync`. */
const NOT_DURABLE = '-F';

/** @param making is there while a database is being created, and after a process ended meanwhile */
export function pathsIn(folder: string): { data: string; making: string } {
  return { data: join(folder, 'postgres'), making: join(folder, 'making') };
}

export function isCreated(folder: string): boolean {
  const { data, making } = pathsIn(folder);
  return existsSync(data) && !existsSync(making);
}

/** What PostgreSQL's initdb makes, packed, where the package was built: unpacking it takes a fraction of the time and memory. */
const ARCHIVE = new URL('./empty-database.tar.gz', import.meta.url);

const INIT_PARAMETERS = ['--wal-segsize=4', ...toParameters([SHARED_BUFFERS, ...LOG_SIZE])];
const START_PARAMETERS = PGlite.defaultStartParams.filter((parameter) => parameter !== NOT_DURABLE);

/** Opens the database, and creates it first if there is none. */
export async function openDatabase(folder: string, options: PGliteOptions = {}): Promise<PGlite> {
  const { data } = pathsIn(folder);
  mkdirSync(data, { recursive: true, mode: 0o700 });
  return PGlite.create({
    ...options,
    fs: new DurableFiles(data),
    initDbStartParams: INIT_PARAMETERS,
    startParams: [...START_PARAMETERS, ...toParameters([SHARED_BUFFERS, SYNC_METHOD])],
  });
}

/** Creates a database in memory, and opens it. */
export async function openMemoryDatabase(): Promise<PGlite> {
  return PGlite.create({
    ...unpack(),
    initDbStartParams: INIT_PARAMETERS,
    startParams: [...START_PARAMETERS, NOT_DURABLE, ...toParameters([SHARED_BUFFERS])],
  });
}

/** An empty database, for the build of the package. */
export async function packEmptyDatabase(): Promise<Uint8Array> {
  const db = await openMemoryDatabase();
  const file = await db.dumpDataDir('gzip');
  await db.close();
  return new Uint8Array(await file.arrayBuffer());
}

function unpack(): Pick<PGliteOptions, 'loadDataDir'> {
  return existsSync(ARCHIVE) ? { loadDataDir: new Blob([readFileSync(ARCHIVE)]) } : {};
}

/**
 * Creates the database in a folder: from the archive, or, where there is none, in a process of its own, because that takes 400 MB of
 * memory that would not all be given back.
 * @param onStart is given what stops it
 */
export async function createDatabase(folder: string, onStart: (stop: () => void) => void): Promise<void> {
  const options = unpack();
  if (options.loadDataDir !== undefined) return makeDatabase(folder, options);
  const program = join(import.meta.dirname, `create-database${extname(import.meta.filename)}`);
  const child = spawn(process.execPath, [...CREATION_FLAGS, program, folder, String(process.pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onStart(() => void child.kill('SIGKILL'));
  const reason = await failureOf(child);
  if (reason !== undefined) throw new StartError(`DATA_DIR: the store in ${folder} can't be created: ${reason}`);
}

/** A creation that is interrupted leaves a mark, and the next start begins anew. */
export async function makeDatabase(folder: string, options: PGliteOptions): Promise<void> {
  const unlock = lockFolder(folder);
  const { data, making } = pathsIn(folder);
  rmSync(data, { recursive: true, force: true });
  writeFileSync(making, '', { mode: 0o600 });
  const db = await openDatabase(folder, options);
  await db.close();
  syncFolder(data);
  rmSync(making);
  syncPath(folder, true);
  unlock();
}

/** Resolves when a process has ended: to what it wrote or the signal that ended it, if it failed. */
async function failureOf(child: ChildProcess): Promise<string | undefined> {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  child.once('error', reject);
  child.once('close', (code, signal) => {
    if (code === 0) resolve(undefined);
    else if (signal === 'SIGKILL') resolve('the system ended the process that creates it; it needs 400 MB of memory');
    else resolve(text.trim() || `the process that creates it ended with ${code ?? signal}`);
  });
  return promise;
}

function toParameters(settings: readonly string[]): string[] {
  return settings.flatMap((setting) => ['-c', setting]);
}
