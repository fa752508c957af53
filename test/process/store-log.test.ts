import { PassThrough } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { poll } from '../support/follow.ts';
import { startProcess } from '../support/process.ts';
import { createStore } from '../support/stores.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

it.each(['redis', 'postgres'] as const)(
  'logs one warning while %s is unavailable, and one line when it is back, however many requests fail',
  async (backend) => {
    const { settings, remove } = await createStore(backend);
    onTestFinished(remove);
    const proxy = await startTcpProxy(settings.QUEUE_URL ?? '');
    onTestFinished(() => proxy.close());
    const output = new PassThrough().setEncoding('utf8');
    let text = '';
    output.on('data', (chunk: string) => (text += chunk));
    const server = await startProcess({
      settings: { DATABASE_URL: settings.QUEUE_URL ?? '', ...settings, QUEUE_URL: proxy.url },
      output,
    });
    const submit = () =>
      fetch(`${server.url}/api/books`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ id: '1', title: 'Jane Eyre' }),
      });
    expect((await submit()).status).toBe(202);
    const unblock = proxy.block();
    await poll(submit, ({ status }) => status === 503);
    for (let count = 0; count < 30; count += 1) expect((await submit()).status).toBe(503);
    unblock();
    await poll(submit, ({ status }) => status === 202);
    await server.end('SIGTERM');
    const lines = text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
    const ofStore = lines.filter(({ msg }) => /the (queue|store) is/.test(msg));
    expect(ofStore.map(({ level, msg }) => `${level} ${msg}`)).toEqual([
      'warn the queue is unavailable; retrying',
      'info the queue is available again',
    ]);
    expect(lines.filter(({ level, msg }) => level !== 'info' && !/not write to disk|is unavailable/.test(msg))).toEqual(
      [],
    );
    expect(text).not.toContain('Lovelace');
  },
);
