import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { HOST } from './serve.ts';

const START_MS = 30_000;
const SERVERS = ['http-ingress-server', 'admin-api-server'] as const;

/** The log line of a server that listens. */
const listeningSchema = z.object({
  span: z.object({ server_name: z.enum(SERVERS), 'server.port': z.coerce.number() }),
});

/** Starts Restate on free ports; it ends with this process. */
export async function startRestate(): Promise<{ ingress: string; admin: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'accepted-restate-'));
  const program = createRequire(import.meta.url).resolve('@restatedev/restate-server/lib/index.js');
  const ports = ['--use-random-ports', 'true', '--bind-ip', HOST, '--listen-mode', 'tcp'];
  const server = spawn(process.execPath, [program, ...ports, '--base-dir', folder], {
    env: { ...process.env, RESTATE_LOG_FORMAT: 'json', DO_NOT_TRACK: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let ended = false;
  const end = (): void => {
    server.kill('SIGTERM');
    ended = true;
  };
  server.once('exit', () => {
    rmSync(folder, { recursive: true, force: true });
    process.exit(ended ? 0 : 1);
  });
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  const urls = await readUrls(server.stdout);
  return { ingress: urls['http-ingress-server'], admin: urls['admin-api-server'] };
}

async function readUrls(stdout: NodeJS.ReadableStream): Promise<Record<(typeof SERVERS)[number], string>> {
  const { promise, resolve, reject } = Promise.withResolvers<Record<(typeof SERVERS)[number], string>>();
  const found = { 'http-ingress-server': '', 'admin-api-server': '' };
  const timer = setTimeout(() => reject(new Error('Restate did not start in time')), START_MS);
  createInterface({ input: stdout }).on('line', (line) => {
    const listening = line.startsWith('{') ? listeningSchema.safeParse(JSON.parse(line)).data : undefined;
    if (listening === undefined) return;
    const { server_name: name, 'server.port': port } = listening.span;
    found[name] = `http://${HOST}:${port}`;
    if (SERVERS.every((server) => found[server] !== '')) resolve(found);
  });
  return promise.finally(() => clearTimeout(timer));
}
