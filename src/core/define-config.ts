import type { z } from 'zod';
import type { Provider } from './providers.ts';

/** What a project says about itself in `accepted.config.ts`. */
export interface ProjectConfig<Settings extends z.ZodObject = z.ZodObject, Values = Readonly<Record<string, unknown>>> {
  /**
   * The folder with the job types, relative to the project. The environment variable JOBS_DIR overrides it.
   * @default 'jobs'
   */
  readonly jobs?: string;
  /** The project's own settings, read from environment variables of these names where a process opens dependencies. */
  readonly settings?: Settings;
  /** What job functions get by `job.use(name)`. */
  readonly providers?: { readonly [Name in keyof Values]: Provider<Values[Name], z.output<Settings>> };
  /** For the type checker alone. */
  readonly provided?: Values;
}

/** Returns the configuration, with the types of its dependencies. The default export of `accepted.config.ts`. */
export function defineConfig<Settings extends z.ZodObject, Values>(
  config: ProjectConfig<Settings, Values>,
): ProjectConfig<Settings, Values> {
  return config;
}
