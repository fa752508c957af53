import type { JobType } from './define-job.ts';
import { StartError } from './start-error.ts';

/** A job type and the file that defines it, as start-up errors name it. */
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

const NAME = /^[a-z][A-Za-z0-9]{0,39}$/;
const COLLECTION = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
/** What the faces themselves are called. */
const RESERVED_NAMES = new Set(['job', 'jobs', 'jobStatus', 'jobUpdates']);
const RESERVED_COLLECTIONS = new Set(['jobs', 'operations']);

/**
 * The job types by name.
 * @throws StartError that names the file, for a bad or doubled name or collection, or a setting out of its bounds
 */
export function createRegistry(files: readonly JobFile[]): Registry {
  const byName = new Map<string, JobFile>();
  const byCollection = new Map<string, JobFile>();
  for (const entry of files) {
    check(entry);
    const { file, type } = entry;
    refuseDouble(byName.get(type.name), file, `name "${type.name}"`);
    refuseDouble(byCollection.get(type.collection), file, `collection "${type.collection}"`);
    byName.set(type.name, entry);
    byCollection.set(type.collection, entry);
  }
  if (byName.size === 0) throw new StartError('there is no job type: put a file that defines one into src/jobs/');
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
  if (RESERVED_NAMES.has(type.name)) fail(`name "${type.name}" is taken by the API itself`);
  const expected = kebabCase(type.name);
  const actual = file.replace(/^.*\//, '').replace(/\.[jt]s$/, '');
  if (actual !== expected) fail(`the job type "${type.name}" belongs in a file called ${expected}.ts`);
  if (!COLLECTION.test(type.collection)) fail(`collection "${type.collection}" is not in kebab-case`);
  if (RESERVED_COLLECTIONS.has(type.collection)) fail(`collection "${type.collection}" is taken by the API itself`);
  for (const setting of ['attempts', 'concurrency'] as const) {
    const value = type[setting];
    if (value !== undefined && !(Number.isInteger(value) && value >= 1))
      fail(`${setting} is not a whole number of at least 1`);
  }
  if (type.attempts > MAX_ATTEMPTS) fail(`attempts is more than ${MAX_ATTEMPTS}`);
  for (const setting of ['timeoutSeconds', 'backoffSeconds'] as const) {
    if (!(type[setting] > 0 && type[setting] <= MAX_SECONDS)) fail(`${setting} is not between 0 and ${MAX_SECONDS}`);
  }
}

/** A job that fails so often fails for good. */
const MAX_ATTEMPTS = 100;

/** A timer of Node counts milliseconds in 31 bits. */
const MAX_SECONDS = 2_000_000;

function refuseDouble(earlier: JobFile | undefined, file: string, what: string): void {
  if (earlier !== undefined) throw new StartError(`${file}: the ${what} is already used by ${earlier.file}`);
}

function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
