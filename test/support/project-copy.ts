import { cpSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROJECT = join(import.meta.dirname, '../..');
const COPIED = ['package.json', 'tsconfig.json', 'accepted.config.ts', '.config', 'src', 'README.md', 'LICENSE'];

/** Copies the files needed to run and build the project into a new folder, which the caller removes. */
export function copyProject(): string {
  const folder = mkdtempSync(join(tmpdir(), 'accepted-copy-'));
  for (const name of COPIED) cpSync(join(PROJECT, name), join(folder, name), { recursive: true });
  // Windows allows every user to create junctions, but not links; other systems ignore the type.
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'), 'junction');
  return folder;
}
