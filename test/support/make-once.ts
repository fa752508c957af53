import { existsSync, mkdirSync, watch, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { inject } from 'vitest';

/**
 * Makes something in a folder once in a run, in the test process that asks first; the others wait for it, until their test or hook times out.
 * @returns the folder, which is removed after the run
 */
export async function makeOnce(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(inject('scratch'), name);
  const [done, failed] = [`${folder}.done`, `${folder}.failed`];
  if (mkdirSync(folder, { recursive: true }) === undefined) {
    await existsOneOf(done, failed);
    if (existsSync(failed)) throw new Error(`another test file could not make ${basename(folder)}`);
    return folder;
  }
  try {
    await make(folder);
    writeFileSync(done, '');
    return folder;
  } catch (error) {
    writeFileSync(failed, '');
    throw error;
  }
}

async function existsOneOf(...files: readonly string[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const check = (): void => void (files.some((file) => existsSync(file)) && resolve());
  const watcher = watch(inject('scratch'), check);
  check();
  await promise;
  watcher.close();
}
