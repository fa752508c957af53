import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

const PROJECT = join(import.meta.dirname, '../..');
const packageSchema = z.object({ optionalDependencies: z.record(z.string(), z.string()) });

/** Installs a major version of Node, once for each machine, and returns the path of its program. */
export function installNode(major: string): string {
  const { optionalDependencies } = packageSchema.parse(
    JSON.parse(readFileSync(join(PROJECT, '.config/node/package.json'), 'utf8')),
  );
  // npm has installed the one package that fits the machine.
  const name = Object.keys(optionalDependencies).find((one) => existsSync(join(PROJECT, 'node_modules', one)));
  if (name === undefined) throw new Error('npm has no Node for this machine');
  const folder = join(tmpdir(), `accepted-node-${major}`);
  const program = join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  if (!existsSync(program)) {
    execFileSync('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', `${name}@${major}`], {
      stdio: ['ignore', 'ignore', 'inherit'],
      shell: process.platform === 'win32',
    });
  }
  return program;
}
