/** What a project imports from `accepted`. */
import type { AcceptedServer, ServerOptions } from './create-server.ts';

export type { AcceptedServer, ServerOptions } from './create-server.ts';
export type { Logger } from './core/ports.ts';
export { isoDateToDate, isoDatetimeToDate, stringToBigInt } from './core/codecs.ts';
export { type DefinedConfig, type ProjectConfig, defineConfig } from './core/define-config.ts';
export {
  type InputOf,
  type JobContext,
  type JobDefinition,
  type JobType,
  type Resource,
  type ResultOf,
  defineJob,
} from './core/define-job.ts';
export type { FileOptions } from './core/files/attempt-files.ts';
export { type FileReference, type StoredFile, fileRef } from './core/files/file-ref.ts';
export type { FileBody } from './core/files/file-store.ts';
export { JobError } from './core/job-error.ts';
export type { DatabasePool, OpenProvider, Provider, ProviderContext } from './core/providers.ts';
// A star, so that a project can add to the interface `Register`.
export * from './core/register.ts';
export { StartError } from './core/start-error.ts';
export { z } from 'zod';

/**
 * Builds Accepted for use inside another program, and opens nothing yet.
 * @throws StartError with a line for each problem of the settings and the job types
 * @throws TypeError for a `basePath` that is no path
 */
export async function createServer(options?: ServerOptions): Promise<AcceptedServer> {
  // Loaded when it is used: files of job types import this module too.
  const server = await import('./create-server.ts');
  return server.createServer(options);
}
