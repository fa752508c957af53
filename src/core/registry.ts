/** The job types of a process, checked as a whole. */
import { z } from 'zod';
import { bulkAction } from './bulk/bulk-action.ts';
import type { JobType } from './define-job.ts';
import { filesIn, isFileRef, misplacedFiles } from './files/file-ref.ts';
import { defaultOptionsSchema } from './input/submit-options.ts';
import { type CheckCron, problemsOfSchedule, scheduleSchema } from './schedule.ts';
import { StartError } from './start-error.ts';
import { collectionName, pascalCase } from './type-name.ts';

/** A job type, and the file that start-up errors name. */
export interface JobFile {
  readonly file: string;
  /** Under which the file exports it. @default 'default' */
  readonly exportName?: string;
  readonly type: JobType;
}

export interface Registry {
  /** The project's. */
  readonly types: readonly JobType[];
  /** Types of the API itself, whose jobs have operations of their own to submit them, and none that the project's types have. */
  readonly builtIn: readonly JobType[];
  get(name: string): JobType | undefined;
  /** The file that defines a type. */
  fileOf(type: JobType): string;
}

const NAME = /^[a-z][A-Za-z0-9]{0,39}$/;
const COLLECTION = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const BUILT_IN: readonly JobType[] = [bulkAction];
/** Names that the APIs use for fields and paths of their own. */
const RESERVED_NAMES = new Set([
  'batch',
  'batchChanges',
  'job',
  'jobs',
  'jobStatus',
  'jobTypes',
  'jobUpdates',
  'webhookSecret',
  ...BUILT_IN.map(({ name }) => name),
]);
const RESERVED_COLLECTIONS = new Set(['jobs', 'job-types', 'operations', 'batches', 'uploads', 'webhook-secret']);
/** Bounds the work that one failing job can cause. */
const MAX_ATTEMPTS = 100;
/** Bounds what a store looks at when a job begins. */
const MAX_PER_CALLER = 1000;
/** Node's timers count milliseconds in 31 bits. */
const MAX_SECONDS = 2_000_000;

/** The fields of a definition that need no schema of their own; the compiler has checked them in TypeScript alone. */
const definitionSchema = z.object({
  name: z.string(),
  collection: z.string(),
  description: z.string(),
  run: z.custom((value) => typeof value === 'function', 'expected a function'),
  options: defaultOptionsSchema.optional(),
  schedule: scheduleSchema.optional(),
});

/**
 * Indexes the job types by name.
 * @param checkCron by default, every cron expression is right
 * @throws StartError with a line for each problem, which names the file and the field
 */
export function createRegistry(files: readonly JobFile[], checkCron: CheckCron = () => undefined): Registry {
  if (files.length === 0) throw new StartError('no job types: at least one is needed');
  const problems: string[] = [];
  const byName = new Map<string, JobFile>();
  const byCollection = new Map<string, JobFile>();
  for (const entry of files) {
    const { file, type } = entry;
    problems.push(...problemsOf(type, checkCron).map((problem) => `${file}: ${problem}`));
    for (const [field, taken] of [
      ['name', byName],
      ['collection', byCollection],
    ] as const) {
      const earlier = taken.get(type[field]);
      if (earlier !== undefined)
        problems.push(`${file}: the ${field} "${type[field]}" is already used by ${earlier.file}`);
      else taken.set(type[field], entry);
    }
  }
  if (problems.length === 0) problems.push(...conflictsOf(files));
  if (problems.length > 0) throw new StartError(problems);
  return {
    types: files.map(({ type }) => type),
    builtIn: BUILT_IN,
    get: (name) => byName.get(name)?.type ?? BUILT_IN.find((type) => type.name === name),
    fileOf: (type) => byName.get(type.name)?.file ?? type.name,
  };
}

/** A batch is submitted by a name made from the collection, and a single job by one made from the name: `submitThumbnails`, `submitThumbnail`. */
function conflictsOf(files: readonly JobFile[]): string[] {
  const taken = new Map(files.map(({ file, type }) => [pascalCase(type.name), `the name "${type.name}" of ${file}`]));
  return files.flatMap(({ file, type: { collection } }) => {
    const name = collectionName(collection);
    const earlier = taken.get(name);
    taken.set(name, `the collection "${collection}" of ${file}`);
    if (earlier === undefined) return [];
    return [
      `${file}: the collection "${collection}" names batches submit${name}, as ${earlier} does; choose another collection`,
    ];
  });
}

function problemsOf(type: JobType, checkCron: CheckCron): string[] {
  const parsed = definitionSchema.safeParse(type);
  if (!parsed.success) return parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  const problems: string[] = [];
  const require = (holds: boolean, problem: string): void => void (holds || problems.push(problem));
  const { name, collection, attempts, outageSeconds } = type;
  require(NAME.test(name), `name ${JSON.stringify(name)} is not in camelCase with at most 40 letters and digits`);
  require(!RESERVED_NAMES.has(name), `name "${name}" is reserved for the API itself`);
  require(COLLECTION.test(collection), `collection ${JSON.stringify(collection)} is not in kebab-case`);
  require(!RESERVED_COLLECTIONS.has(collection), `collection "${collection}" is reserved for the API itself`);
  require(isCount(attempts), 'attempts is not a whole number of at least 1');
  for (const option of ['concurrency', 'concurrencyPerCaller'] as const)
    require(isCount(type[option] ?? 1), `${option} is not a whole number of at least 1`);
  require(!(Number(type.concurrencyPerCaller) > MAX_PER_CALLER), `concurrencyPerCaller is more than ${MAX_PER_CALLER}`);
  require(!(attempts > MAX_ATTEMPTS), `attempts is more than ${MAX_ATTEMPTS}`);
  for (const option of ['timeoutSeconds', 'backoffSeconds'] as const)
    require(type[option] > 0 && type[option] <= MAX_SECONDS, `${option} is not between 0 and ${MAX_SECONDS}`);
  require(outageSeconds >= 0 && outageSeconds <= MAX_SECONDS, `outageSeconds is not from 0 to ${MAX_SECONDS}`);
  return [...problems, ...problemsOfFiles(type), ...problemsOfSchedule(type, checkCron)];
}

function problemsOfFiles({ input, result, resource, schedule }: JobType): string[] {
  const problems = (['input', 'result'] as const).flatMap((side) => {
    const schema = side === 'input' ? input : result;
    return isFileRef(schema) ? [`${side}: write z.object({ … }) around fileRef()`] : misplacedFiles(schema, side);
  });
  // A resource is read for longer than its job is kept, and from elsewhere.
  if (resource !== undefined && filesIn(result) !== undefined)
    problems.push('result: a type with a resource has no fileRef(): files are kept as long as the job');
  if (schedule !== undefined && filesIn(input) !== undefined)
    problems.push('input: a type with a schedule has no fileRef(): nobody uploads a file for it');
  return problems;
}

/** Whether jobs of some type have files. */
export function hasFiles(
  { types }: Pick<Registry, 'types'>,
  sides: readonly ('input' | 'result')[] = ['input', 'result'],
): boolean {
  return types.some((type) => sides.some((side) => filesIn(type[side]) !== undefined));
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1;
}
