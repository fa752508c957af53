/**
 * Builds what the package contains into dist/: JavaScript, declarations, source maps, the statements that the program reads, the files
 * of its pages, and an empty database.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { PAGE_FILES } from '../src/http/page-files.ts';
import { packEmptyDatabase } from '../src/stores/database.ts';

const ROOT = join(import.meta.dirname, '..');
const SOURCES = join(ROOT, 'src');
const OUTPUT = join(ROOT, 'dist');
/** The sample, and what is bundled into one file. */
const LEFT_OUT = new Set(['jobs', 'customers', 'console/app'].map((name) => join(SOURCES, name)));
/** Folders have no extension. */
const STATEMENTS = new Set(['', '.lua', '.sql']);

rmSync(OUTPUT, { recursive: true, force: true });
const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', SOURCES, '--checkers', '2'], { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
cpSync(SOURCES, OUTPUT, {
  recursive: true,
  filter: (path) => STATEMENTS.has(extname(path)) && !LEFT_OUT.has(path),
});
chmodSync(join(OUTPUT, 'main.js'), 0o755);
mkdirSync(join(OUTPUT, 'page-files'));
for (const [name, read] of Object.entries(PAGE_FILES))
  writeFileSync(join(OUTPUT, 'page-files', `${name}.gz`), gzipSync(await read(), { level: 9 }));
writeFileSync(join(OUTPUT, 'stores/empty-database.tar.gz'), await packEmptyDatabase());
