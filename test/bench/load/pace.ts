import { setTimeout as delay } from 'node:timers/promises';
import { percentile } from '../statistics.ts';
import { type LoadConnection, openConnection } from './connection.ts';
import { type LoadResult, type LoadTarget, expectedOf } from './load-spec.ts';
import { toBytes } from './request-bytes.ts';

const TICK_MS = 1;

/**
 * Sends requests when they are due, whether or not earlier ones have been answered, and counts each one's time from when it was
 * due. autocannon's own rate sends what belongs to a second all at once at its start, and so measures a saturated server.
 */
export async function pace(target: LoadTarget, perSecond: number, seconds: number): Promise<LoadResult> {
  const { url, connections, requests } = target;
  const free = await Promise.all(Array.from({ length: connections }, () => openConnection(url)));
  const all = [...free];
  const expected = expectedOf(target);
  const { host } = new URL(url);
  const bytes = requests.map((request) => toBytes(host, request));
  const total = Math.max(1, Math.floor(perSecond * seconds));
  const started = performance.now();
  const times: number[] = [];
  let next = 0;
  const dueAt = (index: number): number => started + (index * 1000) / perSecond;
  const isDue = (): boolean => next < total && dueAt(next) <= performance.now();
  const allSent = (): boolean => next === total;

  /** Until nothing is due, and then the connection waits with the others. */
  const sendDue = async (connection: LoadConnection): Promise<void> => {
    while (isDue()) {
      const due = dueAt(next);
      const sent = bytes[next % bytes.length] ?? '';
      next += 1;
      await connection.send(sent, expected);
      times.push(performance.now() - due);
    }
    free.push(connection);
  };
  const running: Promise<void>[] = [];
  try {
    while (!allSent()) {
      while (isDue()) {
        const connection = free.pop();
        if (connection === undefined) break;
        running.push(sendDue(connection));
      }
      await delay(TICK_MS);
    }
    await Promise.all(running);
  } finally {
    for (const connection of all) connection.close();
  }
  const took = (performance.now() - started) / 1000;
  return { perSecond: total / took, p50: percentile(times, 50), p99: percentile(times, 99) };
}
