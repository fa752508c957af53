import { setFlagsFromString } from 'node:v8';
import { type App, createApp } from './app.ts';
import { renderBanner } from './banner.ts';
import { type Role, isNpmScript, readConfig, roles } from './config.ts';
import { passOnStrayError } from './core/attempt/stray-errors.ts';
import { StartError } from './core/start-error.ts';
import { createLogger } from './observability/logger.ts';

const PARENT_CHECK_MS = 500;
/** Signals within so many milliseconds are one: a terminal sends it to the whole process group, and npm forwards its own copy. */
const SAME_SIGNAL_MS = 1000;

function readRole(argument = 'all'): Role {
  const role = roles.find((candidate) => candidate === argument);
  if (role === undefined) throw new StartError(`unknown role "${argument}"; expected all, api or worker`);
  return role;
}

/** Ends the process with one line for a mistake in the settings, or with a stack trace for a bug. */
function fail(error: unknown): never {
  process.stderr.write(`accepted: ${error instanceof StartError ? oneLine(error.message) : describe(error)}\n`);
  process.exit(1);
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ');
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/**
 * The first signal starts a graceful shutdown; a later one exits at once.
 * @returns starts the shutdown without a signal
 */
function closeOnSignals(app: App): () => void {
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
function closeWithParent(close: () => void): void {
  const parent = process.ppid;
  const check = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(check);
    close();
  }, PARENT_CHECK_MS);
  check.unref();
}

/**
 * Turns off allocation-site pretenuring. V8 observes which objects survive a scavenge and allocates similar ones in the old generation.
 * Requests that wait for the store survive one, yet become garbage soon after. In the old generation only a full collection frees them:
 * one every few seconds, which blocks a core for tens of milliseconds.
 */
function keepRequestsYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}

keepRequestsYoung();
try {
  const config = readConfig(readRole(process.argv[2]));
  const logger = createLogger(config.LOG_LEVEL, { wholeErrors: config.LOG_ERRORS });
  const app = await createApp(config, logger, { onFatal: fail });
  const close = closeOnSignals(app);
  // Node would print every property of the error, and a store's error contains the row.
  process.on('uncaughtException', (error) => {
    if (passOnStrayError(error)) return;
    logger.error({ thrown: error }, 'uncaught error; the process exits');
    process.exit(1);
  });
  if (isNpmScript()) closeWithParent(close);
  const running = await app.listen();
  if (process.stdout.isTTY) process.stdout.write(renderBanner(running, config, performance.now()));
  else logger.info({ ...running, role: config.role, startMs: Math.round(performance.now()) }, 'ready');
} catch (error) {
  fail(error);
}
