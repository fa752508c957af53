/** Prints the sizes of what pages load of the package, minified and compressed, and fails above their limits. */
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { bundle } from './support/bundle.ts';

const SOURCES = join(import.meta.dirname, '../src');
/** In bytes. The hooks share a part of the client, which is counted twice. */
const LIMITS = { client: 4000, react: 2500 };

for (const [name, limit] of Object.entries(LIMITS)) {
  const code = await bundle(join(SOURCES, name, `${name}.ts`), { minify: true, external: ['react'] });
  const size = gzipSync(code).length;
  process.stdout.write(`accepted/${name}: ${size} bytes of at most ${limit}\n`);
  if (size > limit) process.exitCode = 1;
}
