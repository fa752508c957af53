import { withDeadline } from '../core/deadline.ts';
import type { Logger } from '../core/ports.ts';

/** A running job hears that it was canceled in this time, in milliseconds, whichever process canceled it. */
const CHECK_MS = 400;
/** A question without an answer is asked again, in milliseconds. */
const DEADLINE_MS = 1500;

/** Tells the jobs that run here when they are canceled. */
export interface WorkerCancellation {
  /** @returns a signal that is aborted when the job is canceled, and what ends the watch */
  watch(id: string): { readonly signal: AbortSignal; end(): void };
  close(): void;
}

/**
 * Asks for the marks of all jobs that run, while there are some: one question for all of them, which neither a lost event nor
 * a restart of the store can make it miss, and which takes no connection.
 * @param readMarked of these jobs, the ones that are marked as canceled
 */
export function watchCancellation(
  readMarked: (ids: readonly string[]) => Promise<readonly string[]>,
  logger: Logger,
): WorkerCancellation {
  const running = new Map<string, AbortController>();
  let asking = false;
  const check = async (): Promise<void> => {
    if (asking || running.size === 0) return;
    asking = true;
    try {
      const marked = await withDeadline(readMarked([...running.keys()]), DEADLINE_MS);
      for (const id of marked) running.get(id)?.abort();
    } catch (error) {
      logger.debug({ err: error }, 'canceled jobs could not be asked for');
    } finally {
      asking = false;
    }
  };
  const timer = setInterval(() => void check(), CHECK_MS);
  return {
    watch(id) {
      const controller = new AbortController();
      running.set(id, controller);
      return {
        signal: controller.signal,
        end() {
          // A job whose lock was lost may have been started here a second time.
          if (running.get(id) === controller) running.delete(id);
        },
      };
    },
    close: () => clearInterval(timer),
  };
}
