import { setFlagsFromString } from 'node:v8';
import { type App, createApp } from './app.ts';
import { renderBanner } from './banner.ts';
import { type Role, isNpmScript, readConfig, roles } from './config.ts';
import { StartError } from './core/start-error.ts';
import { createLogger } from './observability/logger.ts';

const PARENT_CHECK_MS = 500;

function readRole(argument = 'all'): Role {
  const role = roles.find((candidate) => candidate === argument);
  if (role === undefined) throw new StartError(`"${argument}" is no role; expected all, api or worker`);
  return role;
}

/** Ends the process with one line for people, or with all there is to know of a mistake of ours. */
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

/** The first signal lets what runs finish; a second one does not wait. */
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

/** npm passes a signal to the shell that it runs a script in, and that shell ends without passing it on. */
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
 * V8 watches which objects outlive a collection of new ones, and makes their like among the old ones from the start. Of requests that
 * wait for the store it learns so what is wrong: each leaves garbage that a full collection alone takes away, one every few seconds,
 * which takes tens of milliseconds of a core from all that goes on.
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
  // Node would print all that the error has, and a store's has the row.
  process.on('uncaughtException', (error) => {
    logger.error({ thrown: error }, 'nobody caught this; the process ends');
    process.exit(1);
  });
  if (isNpmScript()) terminateWithParent();
  const running = await app.listen();
  if (process.stdout.isTTY) process.stdout.write(renderBanner(running, config, performance.now()));
  else logger.info({ ...running, role: config.role, startMs: Math.round(performance.now()) }, 'ready');
} catch (error) {
  fail(error);
}
