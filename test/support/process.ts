import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { LIBRARY } from './projects.ts';
import { lineWith } from './servers.ts';

const PROJECT = join(import.meta.dirname, '../..');
/** Caches compiled sources, a quarter of the cost of a start, across the processes of a run. */
const COMPILE_CACHE = join(tmpdir(), 'accepted-compile-cache');

/** Accepted in a separate process. */
export interface AcceptedProcess {
  /** Undefined for a worker. */
  readonly url: string | undefined;
  /** Where metrics and health checks are, if that is a port of their own. */
  readonly metricsUrl: string | undefined;
  readonly pid: number | undefined;
  isRunning(): boolean;
  /** Sends a signal, and resolves to the exit code, or to null if a signal ended the process. */
  end(signal: NodeJS.Signals): Promise<number | null>;
  /** Resolves when the process has ended in any way. */
  readonly ended: Promise<unknown>;
  /** Suspends the process, like a machine that hangs. */
  suspend(): void;
}

export interface ProcessOptions {
  readonly settings: Readonly<Record<string, string>>;
  /**
   * Folder of the project.
   * @default the library
   */
  readonly project?: string;
  /** A role, or another command. @default 'all' */
  readonly role?: string;
  /** @default the project's `src/main.ts` */
  readonly main?: string;
  /** Also receives all output of the process. */
  readonly output?: Writable;
  /**
   * How many files it may have open.
   * @default as many as this process
   */
  readonly maxFiles?: number;
  /** A disk in memory, which only the process sees, with a copy of another folder as its folder `data`. */
  readonly disk?: { readonly path: string; readonly megabytes: number; readonly data: string };
}

/** Starts a process, and resolves when it is ready. It ends with the test at the latest. */
export async function startProcess(options: ProcessOptions): Promise<AcceptedProcess> {
  const child = spawnAccepted(options);
  const ended = new Promise((resolve) => void child.once('exit', resolve));
  onTestFinished(async () => void (await end(child, 'SIGKILL')));
  for (const stream of [child.stdout, child.stderr]) if (options.output) stream.pipe(options.output, { end: false });
  const line = await lineWith(child, child.stdout, /"msg":"ready"/);
  // The format of this line is that of our log.
  const { url, metricsUrl } = JSON.parse(line) as { url?: string; metricsUrl?: string };
  return {
    url,
    metricsUrl,
    pid: child.pid,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    ended,
    end: (signal) => end(child, signal),
    suspend: () => void child.kill('SIGSTOP'),
  };
}

/** Runs a process whose start is expected to fail. */
export async function runToEnd(options: ProcessOptions): Promise<{ code: number | null; stderr: string }> {
  const child = spawnAccepted(options);
  onTestFinished(async () => void (await end(child, 'SIGKILL')));
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  child.stdout.resume();
  const code = await new Promise<number | null>((resolve) => void child.once('close', resolve));
  return { code, stderr };
}

function spawnAccepted({
  settings,
  project = LIBRARY,
  role = 'all',
  main = join(PROJECT, 'src/main.ts'),
  maxFiles,
  disk,
}: ProcessOptions) {
  const limit = maxFiles === undefined ? '' : `ulimit -n ${maxFiles} && `;
  const mount =
    disk && `mount -t tmpfs -o size=${disk.megabytes}m none ${disk.path} && cp -a ${disk.data} ${disk.path}/data && `;
  // Any user can mount a disk in a namespace of its own.
  const before = disk ? ['--map-root-user', '--mount', '/bin/sh'] : [];
  return spawn(
    disk ? 'unshare' : '/bin/sh',
    [...before, '-c', `${mount ?? ''}${limit}exec "$0" "$@"`, process.execPath, main, role === 'all' ? 'start' : role],
    {
      cwd: project,
      env: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: COMPILE_CACHE,
        PORT: '0',
        ...(role === 'worker' && { METRICS_PORT: '0' }),
        ...settings,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exited = new Promise<number | null>((resolve) => void child.once('exit', resolve));
  child.kill(signal);
  return exited;
}
