import { readdir } from 'node:fs/promises';
import { z } from 'zod';
import type { JobType } from './define-job.ts';
import type { JobFile } from './registry.ts';
import { StartError } from './start-error.ts';

/** What `defineJob` returns; the compiler has checked the rest where the file was compiled. */
const definitionSchema = z.object({
  name: z.string(),
  collection: z.string(),
  description: z.string(),
  input: z.instanceof(z.ZodObject),
  result: z.instanceof(z.ZodObject),
  strictInput: z.instanceof(z.ZodObject),
  run: z.custom((value) => typeof value === 'function', 'expected a function'),
});
const jobTypeSchema = z.custom<JobType>((value) => definitionSchema.safeParse(value).success);
const jobModuleSchema = z.object({ default: jobTypeSchema });

/**
 * Loads each file of a folder as a job type.
 * @param folder URL of the folder, with a slash at the end
 * @throws StartError that names the file, when one can't be loaded or does not export a job type by default
 */
export async function loadJobs(folder: URL): Promise<JobFile[]> {
  const names = (await readdir(folder)).filter((name) => /(?<!\.d)\.[jt]s$/.test(name)).toSorted(byNameAlone);
  return Promise.all(
    names.map(async (name) => {
      const file = `${folder.pathname.split('/').slice(-3).join('/')}${name}`;
      const loaded = jobModuleSchema.safeParse(await load(new URL(name, folder), file));
      if (!loaded.success) throw new StartError(`${file}: the default export is not a job type made by defineJob`);
      return { file, type: loaded.data.default };
    }),
  );
}

/** Without the ending, which would put `customer-import.ts` before `customer.ts`. */
function byNameAlone(a: string, b: string): number {
  return a.slice(0, -3) < b.slice(0, -3) ? -1 : 1;
}

async function load(url: URL, file: string): Promise<unknown> {
  try {
    return await import(url.href);
  } catch (error) {
    throw new StartError(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
