import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { lineWith } from '../support/servers.ts';

/** A process that takes longer to end is killed. */
const END_MS = 5000;
const ANSWER_MS = 10_000;
/** Characters of stderr that are shown when a process fails. */
const TAIL = 2000;
const PROBE = join(import.meta.dirname, 'memory-probe.ts');

export type Settings = Readonly<Record<string, string>>;

/** What Node runs. */
export interface Program {
  readonly command: readonly string[];
  /** Environment variables. */
  readonly settings?: Settings;
  /** @default that of this process */
  readonly cwd?: string;
}

export interface RunningProgram {
  /** Empty for a worker. */
  readonly url: string;
  readonly pid: number;
  /** Bytes after a garbage collection. @throws Error unless started with `observed` */
  memory(): Promise<{ readonly rss: number; readonly heapUsed: number }>;
  end(): Promise<void>;
}

const memorySchema = z.object({ rss: z.number(), heapUsed: z.number() });
/** A line of a program's own log. */
const readySchema = z.object({ url: z.string().default('') });

/** Starts a program and resolves when it has logged `"msg":"ready"`. */
export async function startProgram(
  { command, settings: own = {}, cwd }: Program,
  settings: Settings,
  { observed = false } = {},
): Promise<RunningProgram> {
  const options = observed ? ['--expose-gc', '--import', PROBE] : [];
  const child = spawn(process.execPath, [...options, ...command], {
    cwd,
    env: { PATH: process.env['PATH'], NODE_ENV: 'production', PORT: '0', ...settings, ...own },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const { stdout, stderr: errors } = child;
  if (stdout === null || errors === null) throw new Error('a process without pipes');
  let stderr = '';
  errors.setEncoding('utf8').on('data', (chunk: string) => (stderr = (stderr + chunk).slice(-TAIL)));
  let ending = false;
  child.once('exit', () => ending || process.stderr.write(stderr));
  const kill = (): boolean => child.kill('SIGTERM');
  process.once('exit', kill);
  const end = async (): Promise<void> => {
    ending = true;
    process.off('exit', kill);
    await endChild(child);
  };
  try {
    const { url } = readySchema.parse(JSON.parse(await lineWith(child, stdout, /"msg":"ready"/)));
    return { url, pid: child.pid ?? 0, memory: () => readMemory(child), end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function readMemory(child: ChildProcess): Promise<z.output<typeof memorySchema>> {
  child.send('');
  const [answer] = await once(child, 'message', { signal: AbortSignal.timeout(ANSWER_MS) });
  return memorySchema.parse(answer);
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => void child.once('exit', resolve));
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
  child.kill('SIGTERM');
  await exited;
  clearTimeout(timer);
}

/** proc_pid_stat(5): ticks of 10 ms; after the name, fields 11 and 12 are the time in user and in kernel mode. */
const TICKS_PER_SECOND = 100;
const CPU_FIELDS = [11, 12] as const;

/** CPU time of processes in seconds; NaN where the system has no /proc. */
export function cpuSeconds(pids: readonly number[]): number {
  const ticks = pids.flatMap((pid) => {
    const file = `/proc/${pid}/stat`;
    if (!existsSync(file)) return NaN;
    const stat = readFileSync(file, 'utf8');
    // The name stands in parentheses and may contain any character.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return CPU_FIELDS.map((field) => Number(fields[field]));
  });
  return ticks.reduce((sum, value) => sum + value, 0) / TICKS_PER_SECOND;
}
