/** The package as users have it: packed, and installed into an empty folder. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished } from 'vitest';
import { makeOnce } from './make-once.ts';
import { copyProject } from './project-copy.ts';

const run = promisify(execFile);
const NPM = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];

/** The time-out of a hook that packs and installs, in milliseconds. */
export const INSTALL_MS = 300_000;

/** A folder of a user's project. */
export interface InstalledProject {
  readonly folder: string;
  /** Writes a file, whose folder is made. */
  write(path: string, text: string): void;
  /** Runs `accepted` to its end. */
  accepted(args: readonly string[], environment?: Readonly<Record<string, string>>): Promise<Ended>;
  /**
   * Starts `accepted`; it ends with the test at the latest.
   * @param by `npx`: the child is a shell that waits for it, as npx does
   */
  start(args: readonly string[], environment?: Readonly<Record<string, string>>, by?: 'node' | 'npx'): Started;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  /** Resolves to the first match of an expression in what is written from now on to either output. */
  next(expression: RegExp): Promise<RegExpExecArray>;
  /** Resolves to the exit code. */
  end(): Promise<number | null>;
}

/** Resolves to the path of the packed package: one for all test files. */
export async function packPackage(): Promise<string> {
  const folder = await makeOnce('packed', async (into) => {
    // From a copy: other tests build at the same time.
    const copy = copyProject();
    await run('npm', ['pack', '--pack-destination', into, ...NPM], { cwd: copy });
    rmSync(copy, { recursive: true });
  });
  const [name = expect.fail('npm packed nothing')] = readdirSync(folder);
  return join(folder, name);
}

/** Resolves to a folder with the package as a new user installs it: one for all test files. */
export async function installPackage(): Promise<string> {
  const tarball = await packPackage();
  return makeOnce('installed', async (into) => {
    await run('npm', ['init', '-y', ...NPM], { cwd: into });
    await run('npm', ['install', tarball, ...NPM], { cwd: into });
  });
}

/** A project of its own with what was installed. */
export function openProject(installed: string, node = process.execPath): InstalledProject {
  const folder = mkdtempSync(join(tmpdir(), 'accepted-user-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(join(installed, 'package.json'), join(folder, 'package.json'));
  // What is installed looks for its own packages where it is.
  symlinkSync(join(installed, 'node_modules'), join(folder, 'node_modules'), 'junction');
  const main = join(folder, 'node_modules/accepted/dist/main.js');
  const spawnHere = (
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    by: 'node' | 'npx' = 'node',
  ): ChildProcess => {
    const command = by === 'node' ? [node] : ['sh', '-c', '"$0" "$@"; exit $?', node];
    const [program = '', ...before] = command;
    return spawn(program, [...before, main, ...args], {
      cwd: folder,
      env: {
        PATH: `${dirname(node)}:${process.env['PATH']}`,
        PORT: '0',
        ...(by === 'npx' && { npm_lifecycle_event: 'npx' }),
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  };
  return {
    folder,
    write(path, text) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    },
    async accepted(args, environment) {
      const child = spawnHere(args, environment);
      const texts = { stdout: '', stderr: '' };
      for (const name of ['stdout', 'stderr'] as const)
        child[name]?.setEncoding('utf8').on('data', (chunk: string) => (texts[name] += chunk));
      const code = await new Promise<number | null>((resolve) => void child.once('close', resolve));
      return { code, ...texts };
    },
    start(args, environment, by) {
      const child = spawnHere(args, environment, by);
      const exited = new Promise<number | null>((resolve) => void child.once('exit', resolve));
      onTestFinished(async () => {
        child.kill('SIGKILL');
        await exited;
      });
      return { child, next: readerOf(child), end: () => (child.kill('SIGTERM'), exited) };
    },
  };
}

/** Reads both outputs, each part once. */
export function readerOf(child: ChildProcess): Started['next'] {
  let text = '';
  let notify = (): void => undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      notify();
    });
  }
  let hasEnded = false;
  child.once('close', () => {
    hasEnded = true;
    notify();
  });
  return async (expression) => {
    for (;;) {
      const found = expression.exec(text);
      if (found) {
        text = text.slice(found.index + found[0].length);
        return found;
      }
      if (hasEnded) return expect.fail(`the process ended without ${expression}: ${text}`);
      await new Promise<void>((resolve) => void (notify = resolve));
    }
  };
}
