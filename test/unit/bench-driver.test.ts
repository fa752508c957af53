import { type RequestListener, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type LoadRequest, openConnection, toBytes } from '../bench/driver/connection.ts';
import { fill, load } from '../bench/driver/load.ts';

const GET: LoadRequest = { method: 'GET', path: '/job', statuses: [200], contains: '"done"' };

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => server.close().closeAllConnections());
  // A TCP server that listens has an address of this kind.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('the load driver of the benchmark', () => {
  it('reads replies with a length, in chunks, and longer than its buffer', async () => {
    const long = `"done"${'ä'.repeat(50_000)}`;
    const bodies = ['"done"', ['"do', 'ne"'], long];
    const url = await serve((_, response) => {
      const body = bodies.shift() ?? '';
      if (Array.isArray(body)) for (const chunk of body) response.write(chunk);
      else response.setHeader('Content-Length', Buffer.byteLength(body)).write(body);
      response.end();
    });
    const connection = await openConnection(url);
    onTestFinished(connection.close);
    const bytes = toBytes(new URL(url).host, GET);
    expect(await connection.exchange(bytes, { ...GET, contains: '\r\n\r\n"done"' })).toContain('200 OK');
    expect(await connection.exchange(bytes, { ...GET, contains: 'ne"' })).toContain('chunked');
    const text = Buffer.from(await connection.exchange(bytes, GET), 'latin1').toString();
    expect(text.endsWith(long)).toBe(true);
  });

  it.each([
    ['another status', (response) => response.writeHead(500).end('"done"')],
    ['another text', (response) => response.end('"pending"')],
    ['a closed connection', (response) => response.destroy()],
  ] satisfies [string, (response: Parameters<RequestListener>[1]) => unknown][])('fails on %s', async (_, reply) => {
    let replies = 0;
    const url = await serve((__, response) => void ((replies += 1) < 20 ? response.end('"done"') : reply(response)));
    await expect(load({ url, connections: 2, requests: [GET], seconds: 30 })).rejects.toThrow(
      /unexpected reply|closed the connection|ECONNRESET|socket hang up/,
    );
  });

  it('sends each request in turn as fast as the replies come', async () => {
    const paths = new Map<string, number>();
    const url = await serve((request, response) => {
      paths.set(request.url ?? '', (paths.get(request.url ?? '') ?? 0) + 1);
      response.end('"done"');
    });
    const requests = [
      { ...GET, path: '/a' },
      { ...GET, path: '/b' },
    ];
    const { perSecond, p50, p99, loadCpu } = await load({ url, connections: 3, requests, seconds: 0.2 });
    expect([...paths.keys()].toSorted()).toEqual(['/a', '/b']);
    expect(Math.abs((paths.get('/a') ?? 0) - (paths.get('/b') ?? 0))).toBeLessThanOrEqual(1);
    expect(perSecond).toBeGreaterThan(0);
    expect(p99).toBeGreaterThanOrEqual(p50);
    expect(loadCpu).toBeGreaterThan(0);
  });

  it('counts the latency of a paced request from the time when it was due', async () => {
    let busy = false;
    // One request of 20 blocks the only connection; those behind it wait.
    const url = await serve((_, response) => {
      if (busy) return void response.end('"done"');
      busy = true;
      void delay(200).then(() => response.end('"done"'));
    });
    const { p50 } = await load({ url, connections: 1, requests: [GET], seconds: 0.2, perSecond: 100 });
    // Without the wait it would be that of an idle server.
    expect(p50).toBeGreaterThan(50);
  });

  it('submits an exact number of jobs and returns the ids it was asked to keep', async () => {
    let submitted = 0;
    const url = await serve(
      (_, response) => void response.end(JSON.stringify({ id: `job${(submitted += 1)}`, done: '"done"' })),
    );
    const ids = await fill(url, { ...GET, contains: 'done' }, 500, 20);
    expect(submitted).toBe(500);
    expect(new Set(ids).size).toBe(20);
  });
});
