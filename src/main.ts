#!/usr/bin/env node
/** The command. */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { type Command, UsageError, didYouMean, readArgs, renderHelp, toTable } from './cli/command.ts';
import { fail } from './cli/process.ts';
import { loadEnvironment } from './config.ts';
import { StartError } from './core/start-error.ts';

/** Each is loaded when it is used: making an API key needs no server. */
const COMMANDS: Readonly<Record<string, { readonly summary: string; load(): Promise<Command> }>> = {
  dev: {
    summary: 'Run the API and a worker, and restart when a file of the project changes.',
    load: async () => (await import('./cli/dev.ts')).devCommand,
  },
  start: {
    summary: 'Run the API and a worker in one process.',
    load: async () => (await import('./cli/run.ts')).runCommand('all'),
  },
  api: {
    summary: 'Run the API. Needs QUEUE_URL.',
    load: async () => (await import('./cli/run.ts')).runCommand('api'),
  },
  worker: {
    summary: 'Run a worker. Needs QUEUE_URL.',
    load: async () => (await import('./cli/run.ts')).runCommand('worker'),
  },
  'new-job': {
    summary: 'Write a file for a new job type, and its test.',
    load: async () => (await import('./cli/new-job.ts')).newJobCommand,
  },
  generate: {
    summary: 'Write the GraphQL schema, the OpenAPI document and a module for TypeScript clients.',
    load: async () => (await import('./cli/generate.ts')).generateCommand,
  },
  check: {
    summary: 'Check the settings, the job types, the stores and the providers, without starting.',
    load: async () => (await import('./cli/check.ts')).checkCommand,
  },
  migrate: {
    summary: 'Copy all jobs from one store to another.',
    load: async () => (await import('./cli/migrate.ts')).migrateCommand,
  },
  'api-key': {
    summary: 'Make an API key for a caller.',
    load: async () => (await import('./cli/api-key.ts')).apiKeyCommand,
  },
};

/**
 * Turns off allocation-site pretenuring. V8 observes which objects survive a scavenge and allocates similar ones in the old generation.
 * Requests that wait for the store survive one, yet become garbage soon after. In the old generation only a full collection frees them:
 * one every few seconds, which blocks a core for tens of milliseconds.
 */
function keepRequestsYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}

async function run([name = '', ...args]: readonly string[]): Promise<number | undefined> {
  if (['', 'help', '-h', '--help'].includes(name)) {
    process.stdout.write(renderOverview());
    return name === '' ? 2 : 0;
  }
  if (['-v', '--version'].includes(name)) {
    process.stdout.write(`${readVersion()}\n`);
    return 0;
  }
  const known = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (known === undefined) {
    const names = Object.keys(COMMANDS);
    throw new UsageError(
      `unknown command "${name}"${didYouMean(name, names) || `; expected one of ${names.join(', ')}`}`,
    );
  }
  const command = await known.load();
  const parsed = readArgs(command, args);
  if (parsed === 'help') {
    process.stdout.write(renderHelp(name, known.summary, command));
    return 0;
  }
  loadEnvironment();
  return command.run(parsed);
}

function renderOverview(): string {
  const rows = Object.entries(COMMANDS).map(([name, { summary }]) => [name, summary] as const);
  return `Usage: accepted COMMAND [options]\n\n${toTable(rows).join('\n')}\n\nHelp for one command: accepted COMMAND --help\n`;
}

function readVersion(): string {
  const { version }: { version: string } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  );
  return version;
}

/** The oldest Node that runs TypeScript as it is. */
const NODE = [22, 18] as const;

function requireNode(): void {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > NODE[0] || (major === NODE[0] && minor >= NODE[1])) return;
  throw new StartError(`needs Node ${NODE.join('.')} or newer; this is ${process.versions.node}`);
}

keepRequestsYoung();
try {
  requireNode();
  const code = await run(process.argv.slice(2));
  if (code !== undefined) process.exitCode = code;
} catch (error) {
  if (!(error instanceof UsageError)) fail(error);
  process.stderr.write(`accepted: ${error.message}\nHelp: accepted --help\n`);
  process.exitCode = 2;
}
