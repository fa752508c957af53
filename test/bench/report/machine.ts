import { existsSync, readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

const LIBRARIES =
  'bullmq ioredis fastify graphql graphql-yoga zod pg express mercurius graphql-jit @apollo/server pg-boss @restatedev/restate-server';

const packageSchema = z.object({ version: z.string() });

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly os: string;
  /** Average of the last minute before the start: other work on the machine distorts the figures. */
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
      ...Object.fromEntries(LIBRARIES.split(' ').map((name) => [name, versionOf(name)])),
    },
  };
}

/** The bench's own package, or else the project's, as Node resolves it for the contenders. */
function versionOf(name: string): string {
  const folders = ['..', '../../..'].map((path) => join(import.meta.dirname, path, 'node_modules', name));
  const file = folders.map((folder) => join(folder, 'package.json')).find((path) => existsSync(path));
  return file === undefined ? 'none' : packageSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).version;
}
