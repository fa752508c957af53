/**
 * What becomes of a process at five times the load that it can take: `node test/load/overload.ts [times] [seconds] [open]`, on a Redis
 * and a PostgreSQL of its own. The load is open: requests come whether or not others have been answered.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { Redis } from 'ioredis';
import { installServers } from '../support/install-servers.ts';
import { startPostgres, startRedis } from '../support/servers.ts';

const CALIBRATION_MS = 8000;
const PROBE_MS = 200;

interface Probe {
  /** 0: no reply. */
  readonly status: number;
  readonly ms: number;
}

/** Asks for health by connections of its own, in a thread that has nothing else to do, until it is told to say how it went. */
async function probe(url: string): Promise<void> {
  const probes: Probe[] = [];
  const told = new AbortController();
  parentPort?.once('message', () => told.abort());
  while (!told.signal.aborted) {
    const asked = performance.now();
    const status = await fetch(`${url}/health/live`, { headers: { Connection: 'close' } }).then(
      (response) => response.status,
      () => 0,
    );
    probes.push({ status, ms: performance.now() - asked });
    await delay(PROBE_MS);
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A thread's port, and no window's.
  parentPort?.postMessage(probes);
}

/** Waits for the line of log that tells it. */
async function readUrl(log: string): Promise<string> {
  for (;;) {
    const url = /"url":"([^"]+)".*"msg":"ready"/.exec(readFileSync(log, 'utf8'))?.[1];
    if (url !== undefined) return url;
    await delay(100);
  }
}

async function run(): Promise<void> {
  const [times = '5', seconds = '20', open = '4000'] = process.argv.slice(2);
  /** Requests without an answer; more are not sent. */
  const maxOpen = Number(open);
  const print = (name: string, value: number | string): void => void process.stdout.write(`${name}: ${value}\n`);
  const programs = installServers();
  const [redis, postgres] = await Promise.all([startRedis(programs), startPostgres(programs)]);
  const settings = { PORT: '0', QUEUE_URL: redis.url, DATABASE_URL: `${postgres.url}/postgres`, LOG_LEVEL: 'info' };
  const folder = mkdtempSync(join(tmpdir(), 'accepted-overload-'));
  const log = join(folder, 'log');
  const server = spawn(process.execPath, [join(import.meta.dirname, '../../src/main.ts'), 'all'], {
    env: { PATH: process.env['PATH'], ...settings },
    // To a file: a reader of its log that is busy, as this one is, would hold the server up.
    stdio: ['ignore', openSync(log, 'w'), 'inherit'],
  });
  const store = new Redis(redis.url);
  const rss = (): number =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1024;
  const agent = new Agent({ keepAlive: true, maxSockets: maxOpen });
  const statuses = new Map<string, number>();
  let sent = 0;
  const unanswered = new Set<Promise<void>>();

  function submit(url: string): Promise<void> {
    sent += 1;
    const body = JSON.stringify({ id: `c${sent}`, customername: 'Ada' });
    const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length };
    const { promise, resolve } = Promise.withResolvers<void>();
    unanswered.add(promise);
    const count = (status: string): void => {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      unanswered.delete(promise);
      resolve();
    };
    const asked = request(`${url}/api/customers`, { method: 'POST', agent, headers }, (response) => {
      const status = `${response.statusCode}${response.statusCode === 503 && response.headers['retry-after'] === undefined ? ' without Retry-After' : ''}`;
      response.resume().once('close', () => count(response.complete ? status : 'cut'));
    });
    asked.once('error', (error: Error & { code?: string }) => count(`no reply: ${error.code}`));
    asked.end(body);
    return promise;
  }

  try {
    const url = await readUrl(log);
    const calibrated = performance.now() + CALIBRATION_MS;
    const loop = async (): Promise<void> => {
      while (performance.now() < calibrated) await submit(url);
    };
    await Promise.all(Array.from({ length: 64 }, loop));
    const capacity = (statuses.get('202') ?? 0) / (CALIBRATION_MS / 1000);
    print('submissions in a second that it can take', capacity.toFixed(0));
    print('RSS in MiB', rss().toFixed(0));

    const prober = new Worker(new URL(import.meta.url), { workerData: url });
    const before = sent;
    let unsent = 0;
    let peak = 0;
    const rate = capacity * Number(times);
    const startedAt = performance.now();
    const until = startedAt + Number(seconds) * 1000;
    let due = 0;
    while (performance.now() < until) {
      const wanted = ((performance.now() - startedAt) / 1000) * rate;
      for (; due < wanted; due += 1)
        if (unanswered.size < maxOpen) void submit(url);
        else unsent += 1;
      peak = Math.max(peak, rss());
      await delay(5);
    }
    print(`sent in ${seconds} s, and kept back because ${maxOpen} had no answer`, `${sent - before}, ${unsent}`);
    await Promise.all(unanswered);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A thread's port, and no window's.
    prober.postMessage('stop');
    // What the thread sends.
    const [probes] = (await once(prober, 'message')) as [Probe[]];
    const sorted = probes.map(({ ms }) => ms).toSorted((a, b) => a - b);
    const unhealthy = probes.filter(({ status }) => status !== 200).length;
    print(
      'ms until /health/live answered: median, 99 %, worst',
      [0.5, 0.99, 1].map((part) => sorted[Math.ceil(part * sorted.length) - 1]?.toFixed(0)).join(', '),
    );
    print('answers of /health/live, and those that were not 200', `${probes.length}, ${unhealthy}`);
    print('RSS at most, in MiB', peak.toFixed(0));
    print('replies', JSON.stringify(Object.fromEntries(statuses)));
    const accepted = statuses.get('202') ?? 0;
    let done = 0;
    while (done < accepted) {
      await delay(200);
      done = await store.zcard('accepted:{customer}:completed');
    }
    print('accepted, and done', `${accepted}, ${done}`);
    print('seconds from the end of the load to the end of the work', ((performance.now() - until) / 1000).toFixed(0));
    print('RSS then, in MiB', rss().toFixed(0));
  } finally {
    agent.destroy();
    server.kill('SIGKILL');
    store.disconnect();
    await Promise.all([redis.stop(), postgres.stop()]);
    rmSync(folder, { recursive: true });
  }
}

// What the thread is given is the server's URL.
await (isMainThread ? run() : probe(workerData as string));
