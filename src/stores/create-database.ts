/**
 * The program that `createInOwnProcess` starts: creates the database of the embedded store.
 * Its arguments are the folder and the id of its parent.
 */
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker, isMainThread } from 'node:worker_threads';

/** Milliseconds between two checks that the parent is there. */
const PARENT_CHECK_MS = 50;

async function create(folder: string): Promise<void> {
  const { openDatabase, pathsIn } = await import('./database.ts');
  const { lockFolder } = await import('./folder-lock.ts');
  const { syncFolder, syncPath } = await import('./private-folder.ts');
  const unlock = lockFolder(folder);
  const { data, making } = pathsIn(folder);
  rmSync(data, { recursive: true, force: true });
  writeFileSync(making, '', { mode: 0o600 });
  // One compilation for the two instances that a creation takes saves 100 MB.
  const wasm = readFileSync(fileURLToPath(import.meta.resolve('@electric-sql/pglite/pglite.wasm')));
  const db = await openDatabase(folder, { pgliteWasmModule: await WebAssembly.compile(wasm) });
  await db.close();
  syncFolder(data);
  rmSync(making);
  syncPath(folder, true);
  unlock();
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
