/** How the process ends. */
import { passOnStrayError } from '../core/attempt/stray-errors.ts';
import type { Logger } from '../core/ports.ts';
import { StartError } from '../core/start-error.ts';

const PARENT_CHECK_MS = 500;
/** Signals within so many milliseconds are one: a terminal sends it to the whole process group, and npm forwards its own copy. */
const SAME_SIGNAL_MS = 1000;

/** Ends the process with a line for each mistake in the settings or files, or with a stack trace for a bug. */
export function fail(error: unknown): never {
  process.stderr.write(renderError(error));
  process.exit(1);
}

export function renderError(error: unknown): string {
  if (!(error instanceof StartError)) return `accepted: ${describe(error)}\n`;
  return error.message
    .split('\n')
    .map((line) => `accepted: ${line}\n`)
    .join('');
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/**
 * The first signal starts a graceful shutdown; a later one exits at once.
 * @returns starts the shutdown without a signal
 */
export function closeOnSignals(app: { close(): Promise<void> }): () => void {
  let closingSince: number | undefined;
  const close = (): void => {
    if (closingSince !== undefined) return;
    closingSince = performance.now();
    app.close().then(() => process.exit(0), fail);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (closingSince !== undefined && performance.now() - closingSince > SAME_SIGNAL_MS) process.exit(1);
      close();
    });
  }
  return close;
}

/** Closes when npm, or the shell in which it runs the script, was killed and could forward no signal. */
export function closeWithParent(close: () => void): void {
  const parent = process.ppid;
  const check = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(check);
    close();
  }, PARENT_CHECK_MS);
  check.unref();
}

/** Node would print every property of the error, and a store's error contains the row. */
export function exitOnUncaughtErrors(logger: Logger): void {
  process.on('uncaughtException', (error) => {
    if (passOnStrayError(error)) return;
    logger.error({ thrown: error }, 'uncaught error; the process exits');
    process.exit(1);
  });
}
