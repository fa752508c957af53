import { Agent, request as httpRequest } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { percentile } from '../statistics.ts';
import type { LoadRequest, LoadResult, LoadSpec } from './load-spec.ts';

const TICK_MS = 1;

/**
 * Sends requests when they are due, whether or not earlier ones have been answered, and counts each one's time from when it was
 * due. autocannon's own rate sends what belongs to a second all at once at its start, and so measures a saturated server.
 */
export async function pace(
  { url, connections, request }: Omit<LoadSpec, 'shape'>,
  perSecond: number,
  seconds: number,
): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const total = Math.max(1, Math.floor(perSecond * seconds));
  const started = performance.now();
  const latencies: Promise<number>[] = [];
  const sendDue = async (due: number): Promise<number> => {
    await send(agent, url, request);
    return performance.now() - due;
  };
  while (latencies.length < total) {
    const due = Math.min(total, Math.floor(((performance.now() - started) * perSecond) / 1000));
    while (latencies.length < due) latencies.push(sendDue(started + (latencies.length * 1000) / perSecond));
    await delay(TICK_MS);
  }
  const times = await Promise.all(latencies);
  const took = (performance.now() - started) / 1000;
  agent.destroy();
  return { perSecond: total / took, p50: percentile(times, 50), p99: percentile(times, 99) };
}

function send(agent: Agent, url: string, { method, path, body, statuses, contains }: LoadRequest): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const headers =
    body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
  const sent = httpRequest(url + path, { method, agent, headers }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    response.once('error', reject);
    response.once('end', () => {
      if (statuses.includes(response.statusCode ?? 0) && text.includes(contains)) resolve();
      else reject(new Error(`bad reply: ${response.statusCode} ${text}`));
    });
  });
  sent.once('error', reject);
  sent.end(body);
  return promise;
}
