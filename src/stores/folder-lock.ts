import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartError } from '../core/start-error.ts';
import { preparePrivateFolder } from './private-folder.ts';

/**
 * Makes a folder, if there is none, and locks it for this process until the returned function is called or the process ends. It is
 * SQLite's lock of a file in the folder, because the operating system releases that one however the process ends.
 * @throws StartError when another process holds the lock, others may enter the folder, or it cannot be written
 */
export function lockFolder(folder: string): () => void {
  try {
    preparePrivateFolder(folder);
    const path = join(folder, 'lock');
    closeSync(openSync(path, 'a', 0o600));
    const file = new DatabaseSync(path);
    try {
      file.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    } catch (error) {
      file.close();
      throw error;
    }
    return () => file.close();
  } catch (error) {
    if (error instanceof StartError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(
      reason.includes('locked')
        ? `DATA_DIR: another process uses ${folder}, and the embedded store belongs to one; stop it, or set DATA_DIR to another folder`
        : `DATA_DIR: ${folder} can't be used: ${reason}`,
      { cause: error },
    );
  }
}
