import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { InstalledProject } from './installed.ts';

const ROOT = join(import.meta.dirname, '../..');
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');
// One thread: the tests beside this one need the other.
const STRICT = [
  '--ignoreConfig',
  '--checkers',
  '1',
  '--noEmit',
  '--strict',
  '--allowImportingTsExtensions',
  '--jsx',
  'react-jsx',
];
const TARGET = ['--module', 'esnext', '--moduleResolution', 'bundler', '--target', 'es2024'];
const TYPES = ['--typeRoots', join(ROOT, 'node_modules/@types')];
const NODE = ['--types', 'node'];

const failedSchema = z.object({ stdout: z.string() });

/**
 * What the compiler says about files of a project, with strict settings.
 * @param environment options for the types that are there; by default those of Node
 */
export async function compile(
  { folder }: InstalledProject,
  files: readonly string[],
  environment: readonly string[] = NODE,
): Promise<string> {
  const args = [TSC, ...STRICT, ...TARGET, ...TYPES, ...environment, ...files];
  return promisify(execFile)(process.execPath, args, { cwd: folder }).then(
    ({ stdout }) => stdout,
    (error: unknown) => failedSchema.parse(error).stdout,
  );
}
