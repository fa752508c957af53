/** Loading job types from their files, and checking them as a whole. */
import { readdir } from 'node:fs/promises';
import { z } from 'zod';
import type { JobType } from './define-job.ts';
import { withStrayErrors } from './attempt/stray-errors.ts';
import { StartError } from './start-error.ts';

/** A job type, and the file that start-up errors name. */
export interface JobFile {
  readonly file: string;
  readonly type: JobType;
}

export interface Registry {
  readonly types: readonly JobType[];
  get(name: string): JobType | undefined;
  /** The file that defines a type. */
  fileOf(type: JobType): string;
}

/** The parts of what `defineJob` returns that identify it; the compiler has checked the rest. */
const definitionSchema = z.object({
  name: z.string(),
  collection: z.string(),
  description: z.string(),
  input: z.instanceof(z.ZodObject),
  result: z.instanceof(z.ZodObject),
  strictInput: z.instanceof(z.ZodObject),
  acceptedInput: z.instanceof(z.ZodObject),
  run: z.custom((value) => typeof value === 'function', 'expected a function'),
});
const jobTypeSchema = z.custom<JobType>((value) => definitionSchema.safeParse(value).success);
const jobModuleSchema = z.object({ default: jobTypeSchema });

/**
 * Loads every file of a folder as a job type.
 * @param folder URL of the folder, with a trailing slash
 * @param onStrayError receives what the files leave uncaught outside of an attempt, such as a pool of connections without a listener
 * @throws StartError, which names the file, when it cannot be loaded or its default export is not a job type
 */
export async function loadJobs(
  folder: URL,
  onStrayError: (error: unknown, file: string) => void = () => undefined,
): Promise<JobFile[]> {
  const names = (await readdir(folder)).filter((name) => /(?<!\.d)\.[jt]s$/.test(name)).toSorted(byBaseName);
  return Promise.all(
    names.map(async (name) => {
      const file = `${folder.pathname.split('/').slice(-3).join('/')}${name}`;
      const loaded = jobModuleSchema.safeParse(
        await withStrayErrors(
          (error) => onStrayError(error, file),
          () => load(new URL(name, folder), file),
        ),
      );
      if (!loaded.success) throw new StartError(`${file}: the default export is not a job type made by defineJob`);
      return { file, type: loaded.data.default };
    }),
  );
}

/** Without the extension, which would sort `customer-import.ts` before `customer.ts`. */
function byBaseName(a: string, b: string): number {
  return a.slice(0, -3) < b.slice(0, -3) ? -1 : 1;
}

async function load(url: URL, file: string): Promise<unknown> {
  try {
    return await import(url.href);
  } catch (error) {
    throw new StartError(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

const NAME = /^[a-z][A-Za-z0-9]{0,39}$/;
const COLLECTION = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
/** Names that the APIs use for fields and paths of their own. */
const RESERVED_NAMES = new Set(['job', 'jobs', 'jobStatus', 'jobUpdates']);
const RESERVED_COLLECTIONS = new Set(['jobs', 'operations']);
/** Bounds the work that one failing job can cause. */
const MAX_ATTEMPTS = 100;
/** Node's timers count milliseconds in 31 bits. */
const MAX_SECONDS = 2_000_000;

/**
 * Indexes the job types by name.
 * @throws StartError, which names the file, for an invalid or duplicate name or collection, or an option out of bounds
 */
export function createRegistry(files: readonly JobFile[]): Registry {
  const byName = new Map<string, JobFile>();
  const byCollection = new Map<string, JobFile>();
  for (const entry of files) {
    check(entry);
    const { file, type } = entry;
    refuseDuplicate(byName.get(type.name), file, `name "${type.name}"`);
    refuseDuplicate(byCollection.get(type.collection), file, `collection "${type.collection}"`);
    byName.set(type.name, entry);
    byCollection.set(type.collection, entry);
  }
  if (byName.size === 0) throw new StartError('no job types found: add a file that defines one to src/jobs/');
  return {
    types: [...byName.values()].map((entry) => entry.type),
    get: (name) => byName.get(name)?.type,
    fileOf: (type) => byName.get(type.name)?.file ?? type.name,
  };
}

function check({ file, type }: JobFile): void {
  const fail = (reason: string): never => {
    throw new StartError(`${file}: ${reason}`);
  };
  if (!NAME.test(type.name)) fail(`name "${type.name}" is not in camelCase with at most 40 letters and digits`);
  if (RESERVED_NAMES.has(type.name)) fail(`name "${type.name}" is reserved for the API itself`);
  const expected = kebabCase(type.name);
  const actual = file.replace(/^.*\//, '').replace(/\.[jt]s$/, '');
  if (actual !== expected) fail(`the job type "${type.name}" belongs in a file called ${expected}.ts`);
  if (!COLLECTION.test(type.collection)) fail(`collection "${type.collection}" is not in kebab-case`);
  if (RESERVED_COLLECTIONS.has(type.collection)) fail(`collection "${type.collection}" is reserved for the API itself`);
  for (const option of ['attempts', 'concurrency'] as const) {
    const value = type[option];
    if (value !== undefined && !(Number.isInteger(value) && value >= 1))
      fail(`${option} is not a whole number of at least 1`);
  }
  if (type.attempts > MAX_ATTEMPTS) fail(`attempts is more than ${MAX_ATTEMPTS}`);
  for (const option of ['timeoutSeconds', 'backoffSeconds'] as const) {
    if (!(type[option] > 0 && type[option] <= MAX_SECONDS)) fail(`${option} is not between 0 and ${MAX_SECONDS}`);
  }
  const { outageSeconds } = type;
  if (!(outageSeconds >= 0 && outageSeconds <= MAX_SECONDS)) fail(`outageSeconds is not from 0 to ${MAX_SECONDS}`);
}

function refuseDuplicate(earlier: JobFile | undefined, file: string, what: string): void {
  if (earlier !== undefined) throw new StartError(`${file}: the ${what} is already used by ${earlier.file}`);
}

function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
