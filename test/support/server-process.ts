import { type ChildProcess, execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';

export interface RunningServer {
  /** Without a database. */
  readonly url: string;
  /** Its folder. */
  readonly folder: string;
  /** Kills it and its child processes at once. */
  kill(): Promise<void>;
  /** Restarts it after that on its port and folder, and resolves when it is ready. */
  start(): Promise<void>;
  /** Suspends it and its child processes, like a machine that hangs, until the returned function is called. */
  suspend(): () => void;
  /** Stops it permanently. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly url: string;
  readonly folder: string;
  /** The signal for a graceful shutdown. */
  readonly ending: NodeJS.Signals;
  /** Starts it, and resolves when it is ready. */
  begin(): Promise<ChildProcess>;
}

export async function runServer({ url, folder, ending, begin }: ServerOptions): Promise<RunningServer> {
  let server = await begin();
  return {
    url,
    folder,
    async kill() {
      // A suspended process starts no children.
      server.kill('SIGSTOP');
      const started = childrenOf(server);
      await end(server, 'SIGKILL');
      signalAll(started, 'SIGKILL');
    },
    async start() {
      server = await begin();
    },
    suspend() {
      server.kill('SIGSTOP');
      const started = childrenOf(server);
      signalAll(started, 'SIGSTOP');
      return () => {
        signalAll(started, 'SIGCONT');
        server.kill('SIGCONT');
      };
    },
    async stop() {
      server.kill('SIGCONT');
      await end(server, ending);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL has a process for each connection. */
function childrenOf({ pid }: ChildProcess): number[] {
  const processes = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  return processes.flatMap((line) => {
    const [child, parent] = line.trim().split(/\s+/).map(Number);
    return parent === pid && child !== undefined ? [child] : [];
  });
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has already ended.
    }
  }
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = new Promise((resolve) => void server.once('exit', resolve));
  server.kill(signal);
  await exited;
}
