import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { z } from 'zod';

const PROJECT = join(import.meta.dirname, '../..');
const COPIED = ['package.json', 'tsconfig.json', 'accepted.config.ts', '.config', 'src', 'README.md', 'LICENSE'];

const packageSchema = z.object({ scripts: z.object({ build: z.string() }) });

/** Copies the files needed to run and build the project into a new folder, which the caller removes. */
export function copyProject(): string {
  const folder = mkdtempSync(join(tmpdir(), 'accepted-copy-'));
  for (const name of COPIED) cpSync(join(PROJECT, name), join(folder, name), { recursive: true });
  // Windows allows every user to create junctions, but not links; other systems ignore the type.
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'), 'junction');
  return folder;
}

/** Runs the build script in a copy, as npm does, and expects it to succeed without output. */
export function buildProject(folder: string): void {
  const { scripts } = packageSchema.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
  for (const step of scripts.build.split(' && ')) {
    const [program = '', ...args] = step.split(' ');
    const command = program === 'node' ? args : [join(folder, 'node_modules/.bin', program), ...args];
    const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: folder, encoding: 'utf8' });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  }
}
