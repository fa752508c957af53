/** Prints the sizes of what pages load of the package, and of the console's own, minified and compressed, and fails above their limits. */
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { readPageFile } from '../src/http/page-files.ts';
import { bundleFirst } from './support/bundle.ts';

const SOURCES = join(import.meta.dirname, '../src');
/** In bytes. The hooks share a part of the client, which is counted twice. */
const LIMITS = { client: 4000, react: 2500 };
const CONSOLE_LIMIT = 120_000;

for (const [name, limit] of Object.entries(LIMITS)) {
  const scripts = await bundleFirst(join(SOURCES, name, `${name}.ts`), { minify: true, external: ['react'] });
  report(`accepted/${name}`, sizeOf(scripts), limit);
}
const files = await Promise.all([readPageFile('console.js'), readPageFile('console.css')]);
report('the console', sizeOf(files), CONSOLE_LIMIT);

function sizeOf(parts: readonly (string | Buffer)[]): number {
  return parts.reduce((sum, part) => sum + gzipSync(part).length, 0);
}

function report(name: string, size: number, limit: number): void {
  process.stdout.write(`${name}: ${size} bytes of at most ${limit}\n`);
  if (size > limit) process.exitCode = 1;
}
