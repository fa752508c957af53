import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { lineWith } from '../support/servers.ts';

/** A process that takes longer to end is killed. */
const END_MS = 5000;
/** One that is asked and says nothing for so long has no answer. */
const ANSWER_MS = 10_000;
/** Characters of what a process said last that are shown when it ends by itself. */
const TAIL = 2000;

export interface RunningProcess {
  /** Undefined for a worker. */
  readonly url: string | undefined;
  readonly pid: number;
  /** Resolves to what the process sends when it is sent something. */
  ask(): Promise<unknown>;
  end(): Promise<void>;
}

/** Runs a file with this Node and resolves when it has said, as Accepted's log does, that it is ready. */
export async function startProcess(
  command: readonly string[],
  settings: Readonly<Record<string, string>>,
): Promise<RunningProcess> {
  const child = spawn(process.execPath, command, {
    env: { PATH: process.env['PATH'], NODE_ENV: 'production', PORT: '0', ...settings },
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
    const line = await lineWith(child, stdout, /"msg":"ready"/);
    // The line is the contender's own.
    const { url } = JSON.parse(line) as { url?: string };
    return { url, pid: child.pid ?? 0, ask: () => askChild(child), end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Runs a file with this Node on its input to its end and returns what it printed, which is JSON. @throws Error if it fails */
export async function runProcess(
  command: readonly string[],
  settings: Readonly<Record<string, string>>,
  deadlineMs: number,
  input = '',
): Promise<unknown> {
  const child = spawn(process.execPath, command, {
    env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...settings },
    stdio: 'pipe',
    timeout: deadlineMs,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  // It may end before it has read it all, and then tells why.
  child.stdin.on('error', () => undefined).end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${stderr.trim()}`);
  return JSON.parse(stdout);
}

async function askChild(child: ChildProcess): Promise<unknown> {
  child.send('');
  const [answer] = await once(child, 'message', { signal: AbortSignal.timeout(ANSWER_MS) });
  return answer;
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => void child.once('exit', resolve));
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
  child.kill('SIGTERM');
  await exited;
  clearTimeout(timer);
}
