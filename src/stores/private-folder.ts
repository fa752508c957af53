import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from '../core/start-error.ts';

/** The permissions of everybody but the owner. */
const OTHERS = 0o077;
/** Windows has no such permissions: a folder inherits its access control list. */
const HAS_MODES = process.platform !== 'win32';

/**
 * Makes a folder that only its owner may enter, unless it is there.
 * @throws StartError that names DATA_DIR, for a folder that others may enter
 */
export function preparePrivateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!HAS_MODES) return;
  const { uid, mode } = statSync(folder);
  if (uid !== process.getuid?.()) {
    throw new StartError(
      `DATA_DIR: ${folder} belongs to another user, who could read the jobs and the secret in it; set DATA_DIR to a folder of the user that runs the server`,
    );
  }
  if ((mode & OTHERS) === 0) return;
  throw new StartError(
    `DATA_DIR: other users may enter ${folder} and could read the jobs and the secret in it; run chmod -R go= ${folder}, or set DATA_DIR to another folder`,
  );
}

/** Writes everything in a folder to the disk. */
export function syncFolder(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    syncPath(join(entry.parentPath, entry.name), entry.isDirectory());
  }
  syncPath(folder, true);
}

/** Windows cannot open a folder, and writes its entries by itself. */
export function syncPath(path: string, isFolder: boolean): void {
  if (isFolder && !HAS_MODES) return;
  const file = openSync(path, isFolder ? 'r' : 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
