/**
 * What watchers cost one process: `node test/load/watchers.ts [rest|graphql] [each|same] [count]`.
 * Each watcher follows a job of its own, or all the same, on a Redis of its own; at the end the first job is canceled.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type Socket, connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { installServers } from '../support/install-servers.ts';
import { lineWith, startPostgres, startRedis } from '../support/servers.ts';

const [face = 'rest', jobs = 'each', counted = '10000'] = process.argv.slice(2);
const COUNT = Number(counted);
const QUIET_MS = 60_000;
/** Connections that are opened at a time. */
const AT_A_TIME = 100;

const print = (name: string, value: number | string): void => void process.stdout.write(`${name}: ${value}\n`);

const programs = installServers();
const [redis, postgres] = await Promise.all([startRedis(programs), startPostgres(programs)]);
const server = spawn(process.execPath, ['--expose-gc', join(import.meta.dirname, '../../src/main.ts'), 'api'], {
  env: { PATH: process.env['PATH'], PORT: '0', QUEUE_URL: redis.url, DATABASE_URL: `${postgres.url}/postgres` },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const store = new Redis(redis.url);
const sockets: Socket[] = [];

const rss = (): number => {
  const [, kilobytes = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes);
};
const storeConnections = async (): Promise<number> =>
  String(await store.client('LIST'))
    .trim()
    .split('\n').length;
const storeReads = async (): Promise<number> =>
  Number(/cmdstat_evalsha:calls=(\d+)/.exec(await store.info('commandstats'))?.[1] ?? 0);

async function submit(url: string, id: string): Promise<string> {
  const response = await fetch(`${url}/api/customers`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ id, customername: 'Ada' }),
  });
  // Our own server's reply.
  return ((await response.json()) as { id: string }).id;
}

function requestFor(id: string): string {
  if (face === 'rest') return `GET /api/jobs/${id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  const body = JSON.stringify({ query: `subscription { jobUpdates(id: "${id}") { id status percentComplete } }` });
  const headers = `Content-Type: application/json\r\nAccept: text/event-stream\r\nContent-Length: ${body.length}`;
  return `POST /graphql HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n\r\n${body}`;
}

/** Resolves when the first state has come; `onEnd` is called when one comes that says the job was canceled. */
async function watch(port: number, id: string, onEnd: () => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect(port, '127.0.0.1', () => socket.write(requestFor(id)));
  sockets.push(socket);
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    if (/pending/i.test(chunk)) resolve();
    // Too many at a time: it comes again, as told.
    if (chunk.startsWith('HTTP/1.1 503')) {
      socket.destroy();
      resolve(delay(1000).then(() => watch(port, id, onEnd)));
    }
    if (/"status":"canceled"/i.test(chunk)) onEnd();
  });
  socket.once('error', reject);
  await promise;
}

async function inTurns(total: number, step: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const loop = async (): Promise<void> => {
    while (next < total) await step(next++);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, loop));
}

try {
  // The line is our own log's.
  const { url } = JSON.parse(await lineWith(server, server.stdout, /"msg":"ready"/)) as { url: string };
  const ids: string[] = [];
  await inTurns(jobs === 'same' ? 1 : COUNT, async (index) => void (ids[index] = await submit(url, String(index))));
  await delay(5000);
  const before = rss();
  const connections = await storeConnections();
  let ended = 0;
  const allEnded = Promise.withResolvers<void>();
  const expected = jobs === 'same' ? COUNT : 1;
  const onEnd = (): void => void ((ended += 1) === expected && allEnded.resolve());
  const startedAt = performance.now();
  await inTurns(COUNT, (index) => watch(Number(new URL(url).port), ids[index % ids.length] ?? '', onEnd));
  print('watchers', `${COUNT} on ${face}, ${jobs === 'same' ? 'of one job' : 'each of its own job'}`);
  print('seconds to connect them', ((performance.now() - startedAt) / 1000).toFixed(1));
  const reads = await storeReads();
  let peak = rss();
  let slowest = 0;
  for (let waited = 0; waited < QUIET_MS; waited += 1000) {
    await delay(1000);
    peak = Math.max(peak, rss());
    const asked = performance.now();
    await (await fetch(`${url}/health/live`)).text();
    slowest = Math.max(slowest, performance.now() - asked);
  }
  print(
    'RSS before, after a minute of silence, and at most, in MiB',
    [before, rss(), peak].map((kib) => Math.round(kib / 1024)).join(', '),
  );
  print('KiB of RSS for each watcher', ((rss() - before) / COUNT).toFixed(1));
  print('connections to the store before and after', `${connections}, ${await storeConnections()}`);
  print('reads of the store in a second of silence', (((await storeReads()) - reads) / (QUIET_MS / 1000)).toFixed(0));
  print('slowest answer of /health/live, in ms', slowest.toFixed(0));
  const readsBefore = await storeReads();
  const canceledAt = performance.now();
  await fetch(`${url}/api/jobs/${ids[0]}`, { method: 'DELETE' });
  await allEnded.promise;
  print(`ms until ${expected} heard of the end`, (performance.now() - canceledAt).toFixed(0));
  print('reads of the store for that', (await storeReads()) - readsBefore);
  for (const socket of sockets) socket.destroy();
  await delay(5000);
  print('RSS when they have gone, in MiB', Math.round(rss() / 1024));
} finally {
  server.kill('SIGKILL');
  store.disconnect();
  await Promise.all([redis.stop(), postgres.stop()]);
}
