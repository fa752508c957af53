/**
 * The program that `createDatabase` starts: creates the database of the embedded store.
 * Its arguments are the folder and the id of its parent.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker, isMainThread } from 'node:worker_threads';

/** Milliseconds between two checks that the parent is there. */
const PARENT_CHECK_MS = 50;

async function create(folder: string): Promise<void> {
  const { makeDatabase } = await import('./database.ts');
  // One compilation for the two instances that a creation takes saves 100 MB.
  const wasm = readFileSync(fileURLToPath(import.meta.resolve('@electric-sql/pglite/pglite.wasm')));
  await makeDatabase(folder, { pgliteWasmModule: await WebAssembly.compile(wasm) });
}

const [, , folder = '', parent = ''] = process.argv;
if (isMainThread) {
  // The creation keeps its thread busy, so another one ends this process with its parent: the next start creates the database again.
  const watcher = new Worker(import.meta.filename, { argv: [folder, parent] });
  await once(watcher, 'online');
  watcher.unref();
  create(folder).catch((error: unknown) => {
    process.stderr.write(error instanceof Error ? error.message : String(error));
    process.exit(1);
  });
} else {
  setInterval(() => String(process.ppid) === parent || process.kill(process.pid, 'SIGKILL'), PARENT_CHECK_MS);
}
