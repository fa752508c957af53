import { AsyncLocalStorage } from 'node:async_hooks';

/** Receives uncaught errors of a job's code: from timers, unawaited promises, and emitters without an error listener. */
export type StrayErrorListener = (error: unknown) => void;

const listeners = new AsyncLocalStorage<StrayErrorListener>();

/** Runs code, and passes on to the listener what it and everything it starts leave uncaught. */
export function withStrayErrors<T>(listener: StrayErrorListener, work: () => T): T {
  return listeners.run(listener, work);
}

/**
 * To be called for each uncaught error of the process, in the context in which Node reports it.
 * @returns whether the error came from such code, and so says nothing about the rest of the process
 */
export function passOnStrayError(error: unknown): boolean {
  const listener = listeners.getStore();
  listener?.(error);
  return listener !== undefined;
}
