import type { z } from 'zod';
import type { Provider, ValueOf } from './providers.ts';

/** What a project says about itself in `accepted.config.ts`. */
export interface ProjectConfig<
  Settings extends z.ZodObject = z.ZodObject,
  Providers extends Readonly<Record<string, Provider<z.output<Settings>>>> = Readonly<Record<string, Provider>>,
> {
  /**
   * The folder with the job types, relative to the project. The environment variable JOBS_DIR overrides it.
   * @default 'jobs'
   */
  readonly jobs?: string;
  /** The project's own settings, read from environment variables of these names where a process opens dependencies. */
  readonly settings?: Settings;
  /** What job functions get by `job.use(name)`. */
  readonly providers?: Providers;
}

/** A configuration whose types `job.use` knows once it is registered. */
export interface DefinedConfig<Providers> extends ProjectConfig {
  /** For the type checker alone. */
  readonly provided?: { readonly [Name in keyof Providers]: ValueOf<Providers[Name]> };
}

/** Returns the configuration, with the types of its dependencies. The default export of `accepted.config.ts`. */
export function defineConfig<
  Settings extends z.ZodObject = z.ZodObject,
  Providers extends Readonly<Record<string, Provider<z.output<Settings>>>> = Readonly<
    Record<string, Provider<z.output<Settings>>>
  >,
>(config: ProjectConfig<Settings, Providers>): DefinedConfig<Providers> {
  // A cast, because providers take the settings of their own schema, which the general type does not know. They get no others: the
  // process parses the settings by this schema before it opens a provider.
  return config as unknown as DefinedConfig<Providers>;
}
