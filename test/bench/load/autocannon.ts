import autocannon from 'autocannon';
import { type LoadRequest, type LoadResult, type LoadTarget, expectedOf } from './load-spec.ts';

/** Latencies are whole milliseconds. */
export async function saturateByAutocannon(target: LoadTarget, seconds: number): Promise<LoadResult> {
  const { url, connections, requests } = target;
  const { statuses, contains } = expectedOf(target);
  let clients = 0;
  const result = await autocannon({
    url,
    connections,
    requests: requests.slice(0, 1).map(toRequest),
    // Each connection keeps all that it sends ready, so each has its share alone.
    setupClient(client) {
      const own = requests.filter((_, index) => index % connections === clients).map(toRequest);
      if (own.length > 0) client.setRequests(own);
      clients += 1;
    },
    verifyBody: (text) => String(text).includes(contains),
    duration: seconds,
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

function toRequest({ method, path, body }: LoadRequest): autocannon.Request {
  return { method, path, ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }) };
}
