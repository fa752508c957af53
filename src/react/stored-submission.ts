import { useMemo, useSyncExternalStore } from 'react';
import type { JobOptions } from '../client/client.ts';

/** What `sessionStorage` holds of a submission: all of it until the server has replied, then the id of its job. */
export type StoredSubmission =
  | { readonly idempotencyKey: string; readonly input: unknown; readonly options?: JobOptions }
  | { readonly id: string };

/**
 * What is stored under a key as of the latest render. Undefined if nothing is, on a server, and if the browser denies the page its
 * storage.
 */
export function useStoredSubmission(key: string | undefined): StoredSubmission | undefined {
  const text = useSyncExternalStore(
    subscribe,
    () => read(key),
    () => null,
  );
  return useMemo(() => (text === null ? undefined : parse(text)), [text]);
}

/**
 * Replaces what is stored under a key; undefined removes it. An input that exceeds what the browser allows, about 5 MB, is not stored.
 * @param key undefined if nothing is to be stored
 */
export function storeSubmission(key: string | undefined, submission: StoredSubmission | undefined): void {
  if (key === undefined) return;
  try {
    sessionStorage.removeItem(key);
    if (submission !== undefined) sessionStorage.setItem(key, JSON.stringify(submission));
  } catch {
    // The submission goes on, but a reload forgets it.
  }
}

/** The hook that writes also renders again. */
function subscribe(): () => void {
  return () => undefined;
}

function read(key: string | undefined): string | null {
  try {
    return key === undefined ? null : sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

function parse(text: string): StoredSubmission | undefined {
  try {
    // Only `storeSubmission` writes under the key.
    return JSON.parse(text) as StoredSubmission;
  } catch {
    return undefined;
  }
}
