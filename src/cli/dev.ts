/** `accepted dev`: a change of a file makes everything anew but the process and its embedded store, whose start takes seconds. */
import { type FSWatcher, existsSync, watch } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type App, createApp } from '../app.ts';
import { renderBanner } from './banner.ts';
import { ENVIRONMENT_FILE, isNpmScript, loadEnvironment, readDevConfig } from '../config.ts';
import { StartError } from '../core/start-error.ts';
import { createLogger } from '../observability/logger.ts';
import { loadProject } from '../project.ts';
import { openProjectModules } from '../project-modules.ts';
import { createEmbeddedStore } from '../stores/embedded-store.ts';
import type { Command } from './command.ts';
import { closeOnSignals, closeWithParent, exitOnUncaughtErrors, fail, renderError } from './process.ts';

/** Editors write a file in several steps. */
const SETTLE_MS = 50;
const SOURCE = /\.([cm]?[jt]s|json)$/;
/** Has no extension: a folder of job types that appears or goes. */
const FOLDER = /^[^.]+$/;

export const devCommand: Command = {
  details: 'Settings are environment variables, or lines of the file .env.',
  async run() {
    let config = readDevConfig();
    const logger = createLogger(config.LOG_LEVEL, { wholeErrors: true, format: config.LOG_FORMAT });
    const embedded = createEmbeddedStore(config.DATA_DIR);
    const folder = process.cwd();
    const modules = openProjectModules(folder);
    const watcher = createWatcher(() => void (last = last.then(restart)));
    let jobsDir = resolve(config.JOBS_DIR ?? 'jobs');
    let port = config.PORT;
    let app: App | undefined;
    let isClosed = false;
    let last: Promise<void>;

    async function start(): Promise<void> {
      const begun = performance.now();
      // Before anything is read, so that no change goes unnoticed.
      watcher.watch([jobsDir, dirname(jobsDir), folder]);
      try {
        loadEnvironment();
        config = readDevConfig();
        const project = await loadProject({
          folder,
          jobsDir: config.JOBS_DIR,
          onStrayError: (error, file) => logger.error({ thrown: error, file }, 'file left an error uncaught'),
        });
        jobsDir = project.jobsDir;
        watchLoaded();
        app = await createApp(config, project, logger, { embedded, onFatal: report });
        const running = await app.listen(port);
        if (running.url !== undefined) port = Number(new URL(running.url).port);
        process.stdout.write(renderBanner(running, config, performance.now() - begun));
      } catch (error) {
        await stop();
        // No change of a file makes the other process go.
        if (error instanceof StartError && /^(DATA_DIR|PORT): another process/.test(error.message)) fail(error);
        watchLoaded();
        report(error);
        process.stderr.write('accepted: waiting for a change of the files\n');
      }
    }

    function watchLoaded(): void {
      watcher.watch([jobsDir, ...[...modules.loaded].map((path) => dirname(path))]);
    }

    async function stop(): Promise<void> {
      await app?.close();
      app = undefined;
    }

    async function restart(): Promise<void> {
      if (isClosed) return;
      process.stdout.write('accepted: a file has changed, restarting\n');
      await stop();
      modules.renew();
      await start();
    }

    const close = closeOnSignals({
      async close() {
        isClosed = true;
        watcher.close();
        await last;
        await stop();
        await embedded.close();
      },
    });
    exitOnUncaughtErrors(logger);
    if (isNpmScript()) closeWithParent(close);
    process.stdout.write('accepted: starting; the first start creates the embedded store, which takes some seconds\n');
    last = start();
    await last;
    return undefined;
  },
};

function report(error: unknown): void {
  process.stderr.write(renderError(error));
}

/** Calls back once after changes of source files in folders. */
function createWatcher(onChange: () => void) {
  const watchers = new Map<string, FSWatcher>();
  let timer: NodeJS.Timeout | undefined;
  const changed = (name: string | null): void => {
    if (name !== null && name !== ENVIRONMENT_FILE && !SOURCE.test(name) && !FOLDER.test(name)) return;
    clearTimeout(timer);
    timer = setTimeout(onChange, SETTLE_MS);
  };
  return {
    watch(folders: readonly string[]): void {
      for (const path of new Set(folders)) {
        if (watchers.has(path) || !existsSync(path)) continue;
        const watcher = watch(path, (_, name) => changed(name));
        // The folder is gone.
        watcher.on('error', () => watchers.delete(path));
        watchers.set(path, watcher);
      }
    },
    close(): void {
      clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}
