import { setFlagsFromString } from 'node:v8';
import { type App, createApp } from './app.ts';
import { renderBanner } from './banner.ts';
import { type Role, isNpmScript, readConfig, roles } from './config.ts';
import { passOnStrayError } from './core/attempt/stray-errors.ts';
import { StartError } from './core/start-error.ts';
import { createLogger } from './observability/logger.ts';

const PARENT_CHECK_MS = 500;

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

/** The first signal starts a graceful shutdown; a second one exits at once. */
function closeOnSignals(app: App): void {
  let closing = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (closing) process.exit(1);
      closing = true;
      app.close().then(() => process.exit(0), fail);
    });
  }
}

/** npm sends a signal only to the shell that runs the script, and that shell ends without forwarding it. */
function terminateWithParent(): void {
  const parent = process.ppid;
  const check = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(check);
    process.kill(process.pid, 'SIGTERM');
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
  const logger = createLogger(config.LOG_LEVEL);
  const app = await createApp(config, logger, { onFatal: fail });
  closeOnSignals(app);
  // Node would print every property of the error, and a store's error contains the row.
  process.on('uncaughtException', (error) => {
    if (passOnStrayError(error)) return;
    logger.error({ thrown: error }, 'uncaught error; the process exits');
    process.exit(1);
  });
  if (isNpmScript()) terminateWithParent();
  const running = await app.listen();
  if (process.stdout.isTTY) process.stdout.write(renderBanner(running, config, performance.now()));
  else logger.info({ ...running, role: config.role, startMs: Math.round(performance.now()) }, 'ready');
} catch (error) {
  fail(error);
}
