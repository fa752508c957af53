/** `accepted check`: what would stop a start, without one. */
import { createApp } from '../app.ts';
import { type Role, readConfig, roles } from '../config.ts';
import { StartError } from '../core/start-error.ts';
import { createLogger } from '../observability/logger.ts';
import { loadProject } from '../project.ts';
import { type Command, UsageError } from './command.ts';

export const checkCommand: Command = {
  options: { role: { value: 'ROLE', description: `the role to check: ${roles.join(', ')} (all)` } },
  async run({ options: { role: name = 'all' } }) {
    const role = roles.find((candidate) => candidate === name);
    if (role === undefined) throw new UsageError(`unknown role "${name}"; expected one of ${roles.join(', ')}`);
    return (await check(role)) ? 0 : 1;
  },
};

/** Resolves to whether all is well. */
async function check(role: Role): Promise<boolean> {
  const config = await step('settings', async () => readConfig(role));
  const project = await step('job types', () => loadProject({ jobsDir: config?.JOBS_DIR }));
  if (config === undefined || project === undefined) return skip('APIs, stores and providers');
  const app = await step(`APIs of ${project.jobs.map(({ type }) => type.name).join(', ')}`, () =>
    createApp(config, project, createLogger('silent'), {
      onFatal: (error) => {
        throw error;
      },
    }),
  );
  if (app === undefined) return skip('stores and providers');
  try {
    const reached = await step('stores and providers', async () => {
      await app.reach();
      return true;
    });
    return reached === true;
  } finally {
    await app.close();
  }
}

function skip(name: string): false {
  process.stdout.write(`skipped ${name}\n`);
  return false;
}

/** Prints the outcome of a step; undefined where it failed. */
async function step<T>(name: string, run: () => Promise<T>): Promise<T | undefined> {
  try {
    const value = await run();
    process.stdout.write(`ok      ${name}\n`);
    return value;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    for (const line of error.message.split('\n')) process.stdout.write(`failed  ${line}\n`);
    return undefined;
  }
}
