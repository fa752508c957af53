import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { ACCEPTED_ALL } from '../contenders.ts';
import { load } from '../driver/load.ts';
import { type RunningProgram, startProgram } from '../program.ts';
import { percentile } from '../report/statistics.ts';
import { submission } from '../requests.ts';
import type { Probe } from './health-probe.ts';
import type { Bench } from './measure.ts';
import { countIn } from './worker.ts';

const SECONDS = 20;
const CALIBRATION_SECONDS = 8;
/** Requests in flight; those that are due beyond are dropped by the driver. */
const MAX_OPEN = 4000;
const TICK_MS = 5;
const DRAIN_MS = 300_000;
const POLL_MS = 200;
const MIB = 1024 * 1024;
const PATH = 'overload';

/**
 * API and worker in one process under an open load of a multiple of its capacity. It should answer each request, with 202 or with 503
 * and Retry-After, stay healthy, keep its memory bounded, and then complete each job that it accepted.
 */
export function measureOverload({ stores, options, recorder }: Bench): Promise<void> {
  return stores.withEmpty(async (settings) => {
    const server = await startProgram(ACCEPTED_ALL, settings, { observed: true });
    const add = (name: string, figures: Parameters<typeof recorder.add>[0]['figures']): void =>
      recorder.add({ path: PATH, name, pair: '1', figures });
    try {
      const target = { url: server.url, connections: 64, requests: [submission('rest')] };
      const { perSecond } = await load({ ...target, seconds: CALIBRATION_SECONDS });
      add('capacity, submissions', { perSecond });
      // Those of the calibration: their queue has its set of completed jobs by now.
      const completed = await stores.redis.keys('*:completed');
      const before = await countIn(stores.redis, completed);
      const prober = new Worker(new URL('health-probe.ts', import.meta.url), { workerData: server.url });
      const { replies, dropped } = await sendOpenLoad(server, perSecond * options.overload);
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- The port of a thread has no origin.
      prober.postMessage('stop');
      // The thread posts nothing else.
      const [probes] = (await once(prober, 'message')) as [Probe[]];
      const times = probes.map(({ ms }) => ms);
      add('health checks', { p50: percentile(times, 50), p99: percentile(times, 99), count: probes.length });
      add('health checks that failed', { count: probes.filter(({ status }) => status !== 200).length });
      for (const [reply, count] of replies) add(`replies: ${reply}`, { count });
      add('dropped by the driver', { count: dropped });
      add('memory at the end of the load', { rss: (await server.memory()).rss / MIB });
      const drained = performance.now();
      await waitUntil(async () => (await countIn(stores.redis, completed)) >= before + (replies.get('202') ?? 0));
      add('until the last accepted job was done', { ms: performance.now() - drained });
    } finally {
      await server.end();
    }
  });
}

async function waitUntil(isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DRAIN_MS;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`accepted jobs are not done within ${DRAIN_MS} ms`);
    await delay(POLL_MS);
  }
}

async function sendOpenLoad({ url }: RunningProgram, perSecond: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_OPEN });
  const replies = new Map<string, number>();
  const { body = '', path } = submission('rest');
  const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
  const open = new Set<Promise<void>>();
  const send = (): void => {
    const { promise, resolve } = Promise.withResolvers<void>();
    open.add(promise);
    const count = (reply: string): void => {
      replies.set(reply, (replies.get(reply) ?? 0) + 1);
      open.delete(promise);
      resolve();
    };
    const sent = request(`${url}${path}`, { method: 'POST', agent, headers }, (response) => {
      const { statusCode, headers: received } = response;
      const unfit = statusCode === 503 && received['retry-after'] === undefined ? ' without Retry-After' : '';
      response.resume().once('close', () => count(response.complete ? `${statusCode}${unfit}` : 'truncated'));
    });
    sent.once('error', (error: Error & { code?: string }) => count(`none: ${error.code}`));
    sent.end(body);
  };
  const started = performance.now();
  let dropped = 0;
  let due = 0;
  for (let seconds = 0; seconds < SECONDS; seconds = (performance.now() - started) / 1000) {
    for (; due < seconds * perSecond; due += 1)
      if (open.size < MAX_OPEN) send();
      else dropped += 1;
    await delay(TICK_MS);
  }
  await Promise.all(open);
  agent.destroy();
  return { replies, dropped };
}
