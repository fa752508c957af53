/** How often it is looked for locks that were not renewed in time, in milliseconds. */
const CHECK_MS = 500;

/** Tells the jobs that run here when they may run elsewhere too. */
export interface WorkerLocks {
  /** @returns a signal that is aborted when the job's lock is gone, or may be, and what ends the watch */
  watch(id: string): { readonly signal: AbortSignal; end(): void };
  renewed(ids: readonly string[]): void;
  lost(ids: readonly string[]): void;
  close(): void;
}

/**
 * A lock that could not be renewed for so long is taken as lost: the store may be away for this process alone, and then gives the
 * job to another worker, beside which this one shall not go on.
 * @param lockMs milliseconds that a lock lasts by the clock of this process, less than by the store's
 */
export function watchLocks(lockMs: number): WorkerLocks {
  const running = new Map<string, { readonly controller: AbortController; heldUntil: number }>();
  const timer = setInterval(() => {
    const now = performance.now();
    for (const { controller, heldUntil } of running.values()) if (heldUntil < now) controller.abort();
  }, CHECK_MS);
  return {
    watch(id) {
      const lock = { controller: new AbortController(), heldUntil: performance.now() + lockMs };
      running.set(id, lock);
      return {
        signal: lock.controller.signal,
        end() {
          // A job that was lost may have been started here a second time.
          if (running.get(id) === lock) running.delete(id);
        },
      };
    },
    renewed(ids) {
      for (const id of ids) {
        const lock = running.get(id);
        if (lock) lock.heldUntil = performance.now() + lockMs;
      }
    },
    lost(ids) {
      for (const id of ids) running.get(id)?.controller.abort();
    },
    close: () => clearInterval(timer),
  };
}
