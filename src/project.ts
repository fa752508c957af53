/** Loading a project: its configuration, and the files of its job types. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { withStrayErrors } from './core/attempt/stray-errors.ts';
import type { ProjectConfig } from './core/define-config.ts';
import { isJobType } from './core/define-job.ts';
import type { JobFile } from './core/registry.ts';
import { StartError } from './core/start-error.ts';
import { openProjectModules } from './project-modules.ts';

/** What a process runs: job types, and what they need. */
export interface Project {
  readonly jobs: readonly JobFile[];
  readonly config: ProjectConfig;
}

/** A project whose job types come from files. */
export interface LoadedProject extends Project {
  /** Path of the folder with the files. */
  readonly jobsDir: string;
  /** Path of `accepted.config.ts`, if there is one. */
  readonly configFile: string | undefined;
}

export interface ProjectOptions {
  /** @default the working directory */
  readonly folder?: string;
  /** The folder of the job types; by default that of the configuration. */
  readonly jobsDir?: string | undefined;
  /** Receives what the files leave uncaught outside of an attempt, such as a pool of connections without a listener. */
  readonly onStrayError?: (error: unknown, file: string) => void;
}

const CONFIG_FILES = ['accepted.config.ts', 'accepted.config.js', 'accepted.config.mjs'];
const DEFAULT_JOBS_DIR = 'jobs';
/** A file that may define a job type: no declarations, no tests. */
const JOB_FILE = /(?<!\.d|\.test|\.spec)\.[cm]?[jt]s$/;
const PASSED_OVER = /^(\.|node_modules$|__tests__$)/;

const configSchema = z.object({
  jobs: z.string().optional(),
  settings: z.instanceof(z.ZodObject).optional(),
  providers: z
    .record(
      z.string(),
      z.custom(
        (value) => typeof value === 'function' || (typeof value === 'object' && value !== null && 'open' in value),
        'expected a function, or an object with one called open',
      ),
    )
    .optional(),
});
const moduleSchema = z.object({ default: z.unknown().optional() });

/**
 * Loads `accepted.config.ts`, if there is one, and every job type in the files of the project's folder of job types, with its sub-folders.
 * @throws StartError with a line for each file that cannot be loaded
 */
export async function loadProject(options: ProjectOptions = {}): Promise<LoadedProject> {
  const { folder = process.cwd(), onStrayError } = options;
  const load = createLoader(folder, onStrayError);
  const config = await loadConfig(folder, load);
  const jobsDir = resolve(folder, options.jobsDir ?? config.jobs ?? DEFAULT_JOBS_DIR);
  const paths = await listFiles(jobsDir);
  const loaded = await Promise.all(
    paths.map(async (path) => {
      try {
        return { jobs: typesIn(await load(path), nameOf(folder, path)) };
      } catch (error) {
        if (!(error instanceof StartError)) throw error;
        return { problem: error.message };
      }
    }),
  );
  const problems = loaded.flatMap(({ problem }) => problem ?? []);
  if (problems.length > 0) throw new StartError(problems);
  const jobs = withoutRepeats(loaded.flatMap((file) => file.jobs ?? []));
  if (jobs.length === 0) {
    throw new StartError(
      `no job types found: add a file that exports one to ${nameOf(folder, jobsDir)}/, or set JOBS_DIR to another folder`,
    );
  }
  return { jobs, config, jobsDir, configFile: findConfig(folder) };
}

type Load = (path: string) => Promise<unknown>;

function createLoader(folder: string, onStrayError: ProjectOptions['onStrayError'] = () => undefined): Load {
  openProjectModules(folder);
  return async (path) => {
    const file = nameOf(folder, path);
    try {
      return await withStrayErrors(
        (error) => onStrayError(error, file),
        () => import(pathToFileURL(path).href),
      );
    } catch (error) {
      throw new StartError(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  };
}

/** @throws StartError, which names the file */
export async function loadConfig(folder: string, load: Load = createLoader(folder)): Promise<ProjectConfig> {
  const path = findConfig(folder);
  if (path === undefined) return {};
  const { default: config } = moduleSchema.parse(await load(path));
  if (isConfig(config)) return config;
  throw new StartError(`${nameOf(folder, path)}: the default export is not a configuration made by defineConfig`);
}

function findConfig(folder: string): string | undefined {
  return CONFIG_FILES.map((name) => join(folder, name)).find((path) => existsSync(path));
}

function isConfig(value: unknown): value is ProjectConfig {
  return configSchema.safeParse(value).success;
}

/** All files that may define a job type, in the order of their names without extension. */
async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  });
  const found = await Promise.all(
    entries
      .filter(({ name }) => !PASSED_OVER.test(name))
      .map(async (entry) => {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) return listFiles(path);
        return JOB_FILE.test(entry.name) ? [path] : [];
      }),
  );
  return found.flat().toSorted((a, b) => (withoutExtension(a) < withoutExtension(b) ? -1 : 1));
}

function withoutExtension(path: string): string {
  return path.replace(/\.\w+$/, '');
}

/** A file that exports no job type is a helper of others. */
function typesIn(loaded: unknown, file: string): JobFile[] {
  const exported = Object.entries(z.record(z.string(), z.unknown()).parse({ ...Object(loaded) }));
  const jobs = exported.flatMap(([exportName, value]) => (isJobType(value) ? [{ file, exportName, type: value }] : []));
  const [, main] = exported.find(([name]) => name === 'default') ?? [];
  if (jobs.length === 0 && looksLikeJob(main)) {
    throw new StartError(`${file}: the default export is not made by defineJob; write export default defineJob({ … })`);
  }
  return jobs;
}

function looksLikeJob(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'run' in value && 'input' in value;
}

/** A job type that a second file exports again is one job type. */
function withoutRepeats(jobs: readonly JobFile[]): JobFile[] {
  return jobs.filter((job, index) => jobs.findIndex(({ type }) => type === job.type) === index);
}

/** A path as errors name it: relative to the project where it is inside. */
function nameOf(folder: string, path: string): string {
  const name = relative(folder, path);
  return name.startsWith('..') || isAbsolute(name) ? path : name;
}
