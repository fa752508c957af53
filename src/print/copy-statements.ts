import { cpSync } from 'node:fs';
import { extname, join } from 'node:path';

const SOURCES = join(import.meta.dirname, '..');
/** Files that the program reads at start, which the compiler leaves behind. */
const STATEMENTS = new Set(['', '.lua', '.sql']);

cpSync(SOURCES, join(SOURCES, '../dist'), { recursive: true, filter: (path) => STATEMENTS.has(extname(path)) });
