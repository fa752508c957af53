import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, globSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Paths of the servers and the browser that the tests run. */
export interface ServerPrograms {
  readonly redisServer: string;
  readonly initdb: string;
  readonly postgres: string;
  readonly pgbouncer: string;
  readonly nginx: string;
  readonly haproxy: string;
  readonly chromium: string;
  /** A Python that has requests. */
  readonly python: string;
  /** Prometheus's tool to check metrics and rules. */
  readonly promtool: string;
  /** The library that changes the time of a process; undefined on systems other than Linux. */
  readonly faketime: string | undefined;
}

/** Finds the servers and the other programs, and installs missing ones on Debian-based systems. */
export function installServers(): ServerPrograms {
  const missing = [
    findRedis() ? [] : ['redis-server'],
    findPostgres('postgres') ? [] : ['postgresql'],
    findServer('pgbouncer') ? [] : ['pgbouncer'],
    findServer('nginx') ? [] : ['nginx-light'],
    findServer('haproxy') ? [] : ['haproxy'],
    findChromium() ? [] : ['chromium'],
    findPython() ? [] : ['python3-requests'],
    onPath('promtool') ? [] : ['prometheus'],
    findFaketime() !== undefined || process.platform !== 'linux' ? [] : ['libfaketime'],
  ].flat();
  if (missing.length > 0) installPackages(missing);
  return {
    redisServer: required(findRedis(), 'redis-server'),
    initdb: required(findPostgres('initdb'), 'initdb'),
    postgres: required(findPostgres('postgres'), 'postgres'),
    pgbouncer: required(findServer('pgbouncer'), 'pgbouncer'),
    nginx: required(findServer('nginx'), 'nginx'),
    haproxy: required(findServer('haproxy'), 'haproxy'),
    chromium: required(findChromium(), 'chromium'),
    python: required(findPython(), 'python3-requests'),
    promtool: required(onPath('promtool'), 'promtool'),
    faketime: findFaketime(),
  };
}

function findRedis(): string | undefined {
  return onPath('redis-server');
}

/** Debian keeps each version of PostgreSQL in its own folder, which is not on the PATH. */
function findPostgres(program: string): string | undefined {
  const root = '/usr/lib/postgresql';
  const versions = existsSync(root) ? readdirSync(root).toSorted((a, b) => Number(b) - Number(a)) : [];
  const candidates = versions.map((version) => join(root, version, 'bin', program));
  return candidates.find((path) => existsSync(path)) ?? onPath(program);
}

/** Debian keeps servers where only root's PATH leads. */
function findServer(program: string): string | undefined {
  return onPath(program) ?? [`/usr/sbin/${program}`].find((path) => existsSync(path));
}

/** Chrome works too; on macOS it is not on the PATH. */
function findChromium(): string | undefined {
  const mac = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';
  return onPath('chromium') ?? onPath('google-chrome') ?? (existsSync(mac) ? mac : undefined);
}

/** Another Python than Debian's may be first on the PATH, which does not have Debian's packages. */
function findPython(): string | undefined {
  return ['python3', '/usr/bin/python3'].find((program) => spawnSync(program, ['-c', 'import requests']).status === 0);
}

/** Debian keeps libraries in a folder for each architecture. */
function findFaketime(): string | undefined {
  return globSync('/usr/lib/*/faketime/libfaketime.so.1')[0];
}

export function onPath(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

export function installPackages(packages: readonly string[]): void {
  const prefix = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const apt = (...args: string[]): void => {
    const [command = '', ...rest] = [...prefix, 'apt-get', '-y', '-qq', ...args];
    execFileSync(command, rest, { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  };
  try {
    apt('update');
    apt('install', '--no-install-recommends', ...packages);
  } catch (error) {
    throw new Error(`the tests need ${packages.join(' and ')}, which apt-get could not install; install them by hand`, {
      cause: error,
    });
  }
}

function required(path: string | undefined, program: string): string {
  if (path === undefined) throw new Error(`the tests need ${program}, which is not there after its installation`);
  return path;
}
