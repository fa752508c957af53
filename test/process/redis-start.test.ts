import { connect, createServer } from 'node:net';
import { PassThrough } from 'node:stream';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { startAppForTest } from '../support/app.ts';
import { installServers } from '../support/install-servers.ts';
import { runToEnd, startProcess } from '../support/process.ts';
import type { RunningServer } from '../support/server-process.ts';
import { startRedis } from '../support/servers.ts';
import { createStore } from '../support/stores.ts';

const programs = installServers();

async function startRedisForTest(options: readonly string[]): Promise<RunningServer> {
  const server = await startRedis(programs, options);
  onTestFinished(() => server.stop());
  return server;
}

/** The settings of a process whose queue is at this URL. */
async function settingsFor(QUEUE_URL: string): Promise<Record<string, string>> {
  const { settings, remove } = await createStore('redis');
  onTestFinished(remove);
  return { ...settings, QUEUE_URL };
}

async function refusal(QUEUE_URL: string): Promise<string> {
  const { code, stderr } = await runToEnd({ settings: await settingsFor(QUEUE_URL) });
  expect(stderr).toMatch(/^accepted: [^\n]+\n$/);
  expect(code).toBe(1);
  return stderr.trimEnd();
}

/** A Redis that reports another version of the same length. */
async function startOldRedis(version: string): Promise<string> {
  const server = await startRedisForTest([]);
  const port = Number(new URL(server.url).port);
  const proxy = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    client.pipe(upstream);
    upstream.on('data', (chunk) =>
      client.write(Buffer.from(chunk.toString('latin1').replace(/redis_version:[\d.]+/, `redis_version:${version}`))),
    );
    client.on('close', () => upstream.destroy()).on('error', () => undefined);
    upstream.on('close', () => client.destroy()).on('error', () => undefined);
  });
  await new Promise<void>((resolve) => void proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void proxy.close());
  return `redis://127.0.0.1:${z.object({ port: z.int() }).parse(proxy.address()).port}`;
}

describe('a start on a Redis', () => {
  it('that evicts keys is refused in one line', async () => {
    const server = await startRedisForTest(['--maxmemory-policy', 'allkeys-lru']);
    expect(await refusal(server.url)).toMatch(/^accepted: QUEUE_URL: .*noeviction.*allkeys-lru/);
  });

  it('that is a cluster is refused if a master evicts keys', async () => {
    const options = [
      '--cluster-enabled',
      'yes',
      '--cluster-announce-ip',
      '127.0.0.1',
      '--maxmemory-policy',
      'volatile-ttl',
    ];
    const server = await startRedisForTest(options);
    const admin = new Redis(server.url);
    onTestFinished(() => admin.disconnect());
    await admin.cluster('ADDSLOTSRANGE', 0, 16_383);
    const url = server.url.replace('redis://', 'redis+cluster://');
    expect(await refusal(url)).toMatch(/^accepted: QUEUE_URL: .*volatile-ttl/);
  });

  it('that is too old is refused in one line', async () => {
    expect(await refusal(await startOldRedis('6.2.14'))).toMatch(/^accepted: QUEUE_URL: .*6\.2\.14.*7 or newer/);
  });

  it('without persistence logs one warning', async () => {
    const output = new PassThrough().setEncoding('utf8');
    let text = '';
    output.on('data', (chunk: string) => (text += chunk));
    const server = await startRedisForTest(['--appendonly', 'no']);
    const child = await startProcess({ settings: await settingsFor(server.url), output });
    await child.end('SIGTERM');
    expect(text.split('\n').filter((line) => line.includes('not write to disk'))).toHaveLength(1);
  });

  it('with persistence logs no warning', async () => {
    const output = new PassThrough().setEncoding('utf8');
    let text = '';
    output.on('data', (chunk: string) => (text += chunk));
    const server = await startRedisForTest(['--appendonly', 'yes']);
    const child = await startProcess({ settings: await settingsFor(server.url), output });
    await child.end('SIGTERM');
    expect(text).not.toContain('"level":40');
  });

  it('whose ACL forbids the channels is refused in a line that names the setting', async () => {
    const server = await startRedisForTest([]);
    const admin = new Redis(server.url);
    onTestFinished(() => admin.disconnect());
    await admin.acl('SETUSER', 'app', 'on', '>pass', '~*', '+@all');
    const starting = startAppForTest('redis', { QUEUE_URL: server.url.replace('//', '//app:pass@') });
    await expect(starting).rejects.toThrow(
      /^QUEUE_URL: the Redis user needs access to the channels accepted:\* \(NOPERM/,
    );
  });

  it('whose ACL forbids INFO and CONFIG succeeds', async () => {
    const server = await startRedisForTest(['--rename-command', 'CONFIG', '']);
    const admin = new Redis(server.url);
    onTestFinished(() => admin.disconnect());
    await admin.acl('SETUSER', 'app', 'on', '>pass', '~*', '&*', '+@all', '-info');
    const url = server.url.replace('//', '//app:pass@');
    const app = await startAppForTest('redis', { QUEUE_URL: url });
    const accepted = await app.post('/api/books', { id: '42', title: 'Jane Eyre' });
    expect(accepted.status).toBe(202);
    const done = await app.fetch(`${accepted.headers.get('location')}?onPending=synchronous`);
    expect(done.status).toBe(303);
  });
});

describe('several processes that start at once on an empty PostgreSQL', () => {
  it('all become ready, and run each job once', async () => {
    const store = await createStore('postgres');
    onTestFinished(() => store.remove());
    const apps = await Promise.all(Array.from({ length: 5 }, () => startAppForTest('postgres', {}, { store })));
    const books = apps.map((app, index) => app.post('/api/books', { id: `${index}`, title: 'Emma' }));
    for (const accepted of await Promise.all(books)) {
      expect(accepted.status).toBe(202);
      const done = await apps[0]?.fetch(`${accepted.headers.get('location')}?onPending=synchronous`);
      expect(done?.status).toBe(303);
    }
  });
});
