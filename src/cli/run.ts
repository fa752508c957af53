/** `accepted start`, `accepted api` and `accepted worker`. */
import { createApp } from '../app.ts';
import { renderBanner } from './banner.ts';
import { type Role, isNpmScript, readConfig } from '../config.ts';
import { createLogger } from '../observability/logger.ts';
import { loadProject } from '../project.ts';
import type { Command } from './command.ts';
import { closeOnSignals, closeWithParent, exitOnUncaughtErrors, fail } from './process.ts';

export function runCommand(role: Role): Command {
  return {
    details: 'Settings are environment variables, or lines of the file .env.',
    async run() {
      const config = readConfig(role);
      const logger = createLogger(config.LOG_LEVEL, { wholeErrors: config.LOG_ERRORS, format: config.LOG_FORMAT });
      const project = await loadProject({
        jobsDir: config.JOBS_DIR,
        onStrayError: (error, file) => logger.error({ thrown: error, file }, 'file left an error uncaught'),
      });
      const app = await createApp(config, project, logger, { onFatal: fail });
      const close = closeOnSignals(app);
      exitOnUncaughtErrors(logger);
      if (isNpmScript()) closeWithParent(close);
      const running = await app.listen();
      if (process.stdout.isTTY) process.stdout.write(renderBanner(running, config, performance.now()));
      else logger.info({ ...running, role: config.role, startMs: Math.round(performance.now()) }, 'ready');
      return undefined;
    },
  };
}
