import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { lineWith } from './servers.ts';

const PROJECT = join(import.meta.dirname, '../..');
/** Compiling the sources is a quarter of what a start costs, and the same for each process of a run. */
const COMPILE_CACHE = join(tmpdir(), 'accepted-compile-cache');

/** Accepted in a process of its own. */
export interface AcceptedProcess {
  /** Undefined for a worker. */
  readonly url: string | undefined;
  /** Sends a signal and resolves to the exit code, or null when a signal ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
  /** Resolves when it has ended, however. */
  readonly ended: Promise<unknown>;
  /** Stops it where it is, as a machine does that hangs. */
  suspend(): void;
}

export interface ProcessOptions {
  readonly settings: Readonly<Record<string, string>>;
  /** @default 'all' */
  readonly role?: string;
  /** @default the project's `src/main.ts` */
  readonly main?: string;
  /** Where all that it writes goes too. */
  readonly output?: Writable;
}

/** Starts a process and resolves when it is ready; it ends with the test at the latest. */
export async function startProcess(options: ProcessOptions): Promise<AcceptedProcess> {
  const child = spawnAccepted(options);
  const ended = new Promise((resolve) => void child.once('exit', resolve));
  onTestFinished(async () => void (await end(child, 'SIGKILL')));
  for (const stream of [child.stdout, child.stderr]) if (options.output) stream.pipe(options.output, { end: false });
  const line = await lineWith(child, child.stdout, /"msg":"ready"/);
  // The line is our own log's.
  const { url } = JSON.parse(line) as { url?: string };
  return { url, ended, end: (signal) => end(child, signal), suspend: () => void child.kill('SIGSTOP') };
}

/** Runs a process that is expected to refuse its start. */
export async function runToEnd(options: ProcessOptions): Promise<{ code: number | null; stderr: string }> {
  const child = spawnAccepted(options);
  onTestFinished(async () => void (await end(child, 'SIGKILL')));
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  child.stdout.resume();
  const code = await new Promise<number | null>((resolve) => void child.once('close', resolve));
  return { code, stderr };
}

function spawnAccepted({ settings, role = 'all', main = join(PROJECT, 'src/main.ts') }: ProcessOptions) {
  return spawn(process.execPath, [main, role], {
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: COMPILE_CACHE, PORT: '0', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exited = new Promise<number | null>((resolve) => void child.once('exit', resolve));
  child.kill(signal);
  return exited;
}
