import { percentile } from '../statistics.ts';
import { openConnection } from './connection.ts';
import type { LoadRequest } from './load-spec.ts';
import { toBytes } from './request-bytes.ts';

/** What a request takes, in milliseconds, when nobody else asks: each is sent when the reply to the one before is there. */
export async function timeOneAtATime(
  url: string,
  requests: readonly LoadRequest[],
): Promise<{ readonly p50: number; readonly p99: number }> {
  const connection = await openConnection(url);
  const { host } = new URL(url);
  const times: number[] = [];
  try {
    for (const request of requests) {
      const bytes = toBytes(host, request);
      const sent = performance.now();
      await connection.send(bytes, request);
      times.push(performance.now() - sent);
    }
  } finally {
    connection.close();
  }
  return { p50: percentile(times, 50), p99: percentile(times, 99) };
}
