import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Readable } from 'node:stream';
import type { ServerPrograms } from './install-servers.ts';

export interface RunningServer {
  /** Without a database. */
  readonly url: string;
  stop(): Promise<void>;
}

const START_MS = 30_000;

/**
 * A Redis of its own on a free port, that writes nothing to disk.
 * @param options more of the server's options
 */
export async function startRedis(
  { redisServer }: ServerPrograms,
  options: readonly string[] = [],
): Promise<RunningServer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'accepted-redis-'));
  const own = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--databases', '10000', '--dir', folder];
  const server = spawn(redisServer, [...own, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
  await lineWith(server, server.stdout, /Ready to accept connections/);
  return { url: `redis://127.0.0.1:${port}`, stop: () => stop(server, 'SIGTERM', folder) };
}

/** A Sentinel that watches one master under this name. */
export async function startSentinel(
  { redisServer }: ServerPrograms,
  name: string,
  master: string,
): Promise<RunningServer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'accepted-sentinel-'));
  const file = join(folder, 'sentinel.conf');
  const { hostname, port: masterPort } = new URL(master);
  writeFileSync(
    file,
    `port ${port}\nbind 127.0.0.1\ndir ${folder}\nsentinel monitor ${name} ${hostname} ${masterPort} 1\n`,
  );
  const server = spawn(redisServer, [file, '--sentinel'], { stdio: ['ignore', 'pipe', 'inherit'] });
  await lineWith(server, server.stdout, /\+monitor master/);
  return { url: `redis://127.0.0.1:${port}`, stop: () => stop(server, 'SIGTERM', folder) };
}

/** A PostgreSQL of its own on a free port. It refuses to run as root, so then it runs as another user. */
export async function startPostgres({ initdb, postgres }: ServerPrograms): Promise<RunningServer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'accepted-postgres-'));
  const user = process.getuid?.() === 0 ? unprivilegedUser() : undefined;
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  execFileSync(initdb, ['-D', data, '-U', 'accepted', '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C'], {
    ...user,
    cwd: folder,
    stdio: 'ignore',
  });
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off', 'max_connections=400'];
  const options = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
  const server = spawn(postgres, options, { ...user, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  await lineWith(server, server.stderr, /ready to accept connections/);
  return { url: `postgres://accepted@127.0.0.1:${port}`, stop: () => stop(server, 'SIGINT', folder) };
}

function unprivilegedUser(): { uid: number; gid: number } {
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  // A TCP server that listens has an address of this kind.
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => void server.close(resolve));
  return port;
}

/** Resolves when a process has written a line that matches. */
export async function lineWith(child: ChildProcess, stream: Readable, pattern: RegExp): Promise<string> {
  let text = '';
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const timer = setTimeout(() => reject(new Error(`no line with ${pattern} in time:\n${text}`)), START_MS);
  child.once('exit', (code) => reject(new Error(`ended with ${code} before a line with ${pattern}:\n${text}`)));
  child.once('error', reject);
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    const line = text.split('\n').find((candidate) => pattern.test(candidate));
    if (line !== undefined) resolve(line);
  });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

async function stop(server: ChildProcess, signal: NodeJS.Signals, folder: string): Promise<void> {
  const exited = new Promise((resolve) => void server.once('exit', resolve));
  server.kill(signal);
  await exited;
  rmSync(folder, { recursive: true, force: true });
}
