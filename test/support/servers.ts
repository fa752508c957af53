import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Readable } from 'node:stream';
import type { ServerPrograms } from './install-servers.ts';
import { type RunningServer, runServer } from './server-process.ts';

const START_MS = 100_000;

/**
 * Starts a Redis on a free port, without persistence.
 * @param options additional options of the server
 */
export async function startRedis(
  { redisServer }: ServerPrograms,
  options: readonly string[] = [],
): Promise<RunningServer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'accepted-redis-'));
  const own = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--databases', '10000', '--dir', folder];
  return runServer({
    url: `redis://127.0.0.1:${port}`,
    folder,
    ending: 'SIGTERM',
    async begin() {
      const server = spawn(redisServer, [...own, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
      await lineWith(server, server.stdout, /Ready to accept connections/);
      return server;
    },
  });
}

/**
 * Starts a Sentinel that monitors one master under this name.
 * @param lines additional lines of its configuration
 */
export async function startSentinel(
  { redisServer }: ServerPrograms,
  name: string,
  master: string,
  lines: readonly string[] = [],
): Promise<RunningServer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'accepted-sentinel-'));
  const file = join(folder, 'sentinel.conf');
  const { hostname, port: masterPort } = new URL(master);
  const own = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor ${name} ${hostname} ${masterPort} 1`,
  ];
  writeFileSync(file, `${[...own, ...lines].join('\n')}\n`);
  return runServer({
    url: `redis://127.0.0.1:${port}`,
    folder,
    ending: 'SIGTERM',
    async begin() {
      const server = spawn(redisServer, [file, '--sentinel'], { stdio: ['ignore', 'pipe', 'inherit'] });
      await lineWith(server, server.stdout, /\+monitor master/);
      return server;
    },
  });
}

export interface PostgresOptions {
  /** Additional settings of the server, such as `fsync=on`. */
  readonly settings?: readonly string[];
  /** Additional environment variables. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Megabytes of an in-memory disk mounted at `smallDisk`. */
  readonly smallDiskMegabytes?: number;
}

export interface PostgresServer extends RunningServer {
  readonly smallDisk: string;
}

/** Starts a PostgreSQL on a free port. It refuses to run as root, so root runs it as another user. */
export async function startPostgres(
  { initdb, postgres }: ServerPrograms,
  { settings = [], environment = {}, smallDiskMegabytes }: PostgresOptions = {},
): Promise<PostgresServer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'accepted-postgres-'));
  const smallDisk = join(folder, 'small');
  mkdirSync(smallDisk);
  const user = process.getuid?.() === 0 ? unprivilegedUser() : undefined;
  if (user !== undefined) for (const path of [folder, smallDisk]) chownSync(path, user.uid, user.gid);
  const data = join(folder, 'data');
  execFileSync(initdb, ['-D', data, '-U', 'accepted', '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C'], {
    ...user,
    cwd: folder,
    stdio: 'ignore',
  });
  const own = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off', 'max_connections=400'];
  const options = [...own, ...settings].flatMap((setting) => ['-c', setting]);
  const plain = [postgres, '-D', data, '-p', String(port), ...options];
  const [command = '', ...args] =
    smallDiskMegabytes === undefined ? plain : withDisk(smallDisk, smallDiskMegabytes, plain);
  const server = await runServer({
    url: `postgres://accepted@127.0.0.1:${port}`,
    folder,
    ending: 'SIGINT',
    async begin() {
      const env = { ...process.env, ...environment };
      const child = spawn(command, args, { ...user, env, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
      await lineWith(child, child.stderr, /ready to accept connections/);
      return child;
    },
  });
  return { ...server, smallDisk };
}

/**
 * Starts a PgBouncer in transaction mode in front of a PostgreSQL.
 * @param lines additional lines of its configuration
 */
export async function startPgBouncer(
  { pgbouncer }: ServerPrograms,
  postgres: string,
  lines: readonly string[] = [],
): Promise<RunningServer> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'accepted-pgbouncer-'));
  const user = process.getuid?.() === 0 ? unprivilegedUser() : undefined;
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const file = join(folder, 'pgbouncer.ini');
  const { hostname, port: postgresPort, username } = new URL(postgres);
  const own = [
    '[databases]',
    `* = host=${hostname} port=${postgresPort} user=${username}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    'pool_mode = transaction',
  ];
  writeFileSync(file, `${[...own, ...lines].join('\n')}\n`);
  return runServer({
    url: `postgres://${username}@127.0.0.1:${port}`,
    folder,
    ending: 'SIGINT',
    async begin() {
      const server = spawn(pgbouncer, [file], { ...user, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
      await lineWith(server, server.stderr, /process up/);
      return server;
    },
  });
}

/** On Linux, any user can mount a disk in a namespace of its own, as root there; PostgreSQL then runs as another user. */
function withDisk(path: string, megabytes: number, command: readonly string[]): string[] {
  const script = `mount -t tmpfs -o size=${megabytes}m none "$0" && exec unshare --map-user=1 --map-group=1 "$@"`;
  return ['unshare', '--map-root-user', '--mount', 'sh', '-c', script, path, ...command];
}

function unprivilegedUser(): { uid: number; gid: number } {
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  // A listening TCP server always has an AddressInfo.
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
  const look = (chunk: string): void => {
    text += chunk;
    const line = text.split('\n').find((candidate) => pattern.test(candidate));
    if (line !== undefined) resolve(line);
  };
  stream.setEncoding('utf8').on('data', look);
  try {
    return await promise;
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(timer);
    // Further output is read, or the process would block, but not kept, because every chunk would search all earlier output again.
    stream.off('data', look).resume();
  }
}
