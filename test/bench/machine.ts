import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { findWrk } from './load/wrk.ts';

const PACKAGES = ['package.json', '../../package.json'];
const LIBRARIES =
  'bullmq ioredis fastify graphql graphql-yoga zod pg express mercurius graphql-jit @apollo/server pg-boss @restatedev/restate-server autocannon';

const packageSchema = z.object({ version: z.string() });

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly os: string;
  /** Of the last minute, before the bench began: others' work spoils the figures. */
  readonly load: number;
  readonly versions: Readonly<Record<string, string>>;
}

export function describeMachine(servers: Readonly<Record<string, string>>): Machine {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${type()} ${release()}`,
    load: loadavg()[0] ?? 0,
    versions: {
      node: process.versions.node,
      ...servers,
      wrk: versionOfWrk(),
      ...Object.fromEntries(LIBRARIES.split(' ').map((name) => [name, versionOf(name)])),
    },
  };
}

/** It says so first of all, and then that it was called the wrong way. */
function versionOfWrk(): string {
  const wrk = findWrk();
  if (wrk === undefined) return 'none, so autocannon sends the load';
  const { stdout } = spawnSync(wrk, ['-v'], { encoding: 'utf8' });
  return `${stdout.split(' ')[1]}, which sends the load`;
}

/** The bench's own, or else the product's: as Node finds it for the contenders. */
function versionOf(name: string): string {
  const file = PACKAGES.map((path) => join(import.meta.dirname, path, '../node_modules', name, 'package.json')).find(
    (path) => existsSync(path),
  );
  return file === undefined ? 'none' : packageSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).version;
}
