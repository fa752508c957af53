import autocannon from 'autocannon';
import type { LoadResult, LoadSpec } from './load-spec.ts';

/** As fast as the connections can. Latencies are whole milliseconds. */
export async function saturate(
  { url, connections, request }: Omit<LoadSpec, 'shape'>,
  extent: { readonly amount: number } | { readonly duration: number },
): Promise<LoadResult> {
  const { method, path, body, statuses, contains } = request;
  const result = await autocannon({
    url: url + path,
    method,
    connections,
    ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }),
    verifyBody: (text) => String(text).includes(contains),
    ...extent,
  });
  const { errors, timeouts, mismatches, statusCodeStats = {}, latency, duration } = result;
  const counts = Object.entries(statusCodeStats).map(([status, { count = 0 }]) => ({ status: Number(status), count }));
  const bad = counts.filter(({ status }) => !statuses.includes(status));
  if (errors + timeouts + mismatches + bad.length > 0) {
    throw new Error(`bad replies: ${JSON.stringify({ errors, timeouts, mismatches, bad })}`);
  }
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  return { perSecond: total / duration, p50: latency.p50, p99: latency.p99 };
}
