import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

// The packages of the bench are not part of the project's own install, so the rest is imported after them.
if (!existsSync(join(import.meta.dirname, 'node_modules')))
  execFileSync('npm', ['ci'], { cwd: import.meta.dirname, stdio: 'inherit' });
const { runBench } = await import('./run.ts');
process.exitCode = await runBench();
