/** Builds what the package contains into dist/: JavaScript, declarations, source maps, the statements that the program reads, and an empty database. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const ROOT = join(import.meta.dirname, '..');
const SOURCES = join(ROOT, 'src');
const OUTPUT = join(ROOT, 'dist');
const SAMPLE = new Set(['jobs', 'customers'].map((name) => join(SOURCES, name)));
/** Folders have no extension. */
const STATEMENTS = new Set(['', '.lua', '.sql']);

rmSync(OUTPUT, { recursive: true, force: true });
const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', SOURCES], { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
cpSync(SOURCES, OUTPUT, {
  recursive: true,
  filter: (path) => STATEMENTS.has(extname(path)) && !SAMPLE.has(path),
});
chmodSync(join(OUTPUT, 'main.js'), 0o755);
const database: typeof import('../src/stores/database.ts') = await import(
  pathToFileURL(join(OUTPUT, 'stores/database.js')).href
);
writeFileSync(join(OUTPUT, 'stores/empty-database.tar.gz'), await database.packEmptyDatabase());
