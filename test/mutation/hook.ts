import fs, { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { registerHooks, syncBuiltinESMExports } from 'node:module';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { apply, instrument } from './mutants.ts';

/*
 * Preloaded into each process that runs tests: changes sources as they are loaded, without changing files.
 * MUTANT is one change as JSON. REACHED is a folder where the process of each test file writes the places it has reached.
 */

const mutant = process.env['MUTANT'] === undefined ? undefined : JSON.parse(process.env['MUTANT']);
const reachedFolder = process.env['REACHED'];
const MUTATED = /^src\/(core|queue|graphql)\//;

const reached = new Set<string>();
Object.assign(globalThis, { __reached: (place: string) => void reached.add(place) });

registerHooks({
  load(url, context, nextLoad) {
    if (!url.startsWith('file:') || url.includes('/node_modules/')) return nextLoad(url, context);
    const file = relative(process.cwd(), fileURLToPath(url));
    const change =
      file === mutant?.file
        ? (source: string) => apply(source, mutant)
        : reachedFolder !== undefined && MUTATED.test(file) && file.endsWith('.ts')
          ? (source: string) => instrument(file, source)
          : undefined;
    if (change === undefined) return nextLoad(url, context);
    const source = change(readFileSync(fileURLToPath(url), 'utf8'));
    return { format: 'module-typescript', source, shortCircuit: true };
  },
});

// Statements in Lua and SQL are read as text.
if (mutant !== undefined && !mutant.file.endsWith('.ts')) {
  const read = readFileSync;
  const change = (file: unknown, options: never): unknown => {
    const content = read(file as string, options);
    const isMutated = String(file).endsWith(mutant.file) && typeof content === 'string';
    return isMutated ? apply(content, mutant) : content;
  };
  Object.assign(fs, { readFileSync: change });
  syncBuiltinESMExports();
}

/** Called by the setup file at the end of each test file. */
Object.assign(globalThis, {
  __writeReached(testFile: string): void {
    if (reachedFolder === undefined) return;
    mkdirSync(reachedFolder, { recursive: true });
    const name = relative(process.cwd(), testFile).replaceAll('/', '+');
    writeFileSync(`${reachedFolder}/${name}.json`, JSON.stringify([...reached]));
  },
});
