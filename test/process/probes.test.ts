import { expect, it, onTestFinished } from 'vitest';
import { poll } from '../support/follow.ts';
import { startProcess } from '../support/process.ts';
import { createStore } from '../support/stores.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

it.each(['api', 'worker'])(
  'the role %s is alive and started, but not ready, while its store is unavailable',
  async (role) => {
    const { settings, remove } = await createStore('redis');
    onTestFinished(remove);
    const proxy = await startTcpProxy(settings.QUEUE_URL ?? '');
    onTestFinished(() => proxy.close());
    const away = proxy.block();
    const { url, metricsUrl } = await startProcess({ role, settings: { ...settings, QUEUE_URL: proxy.url } });
    const probe = async (name: string) => {
      const reply = await fetch(`${metricsUrl ?? url}/health/${name}`);
      return { status: reply.status, body: await reply.json() };
    };
    const fine = { status: 200, body: { status: 'ok' } };
    const missing = (names: string[]) => ({ status: 503, body: { status: 'unavailable', missing: names } });

    expect(await probe('live')).toEqual(fine);
    expect(await probe('startup')).toEqual(fine);
    expect(await probe('ready')).toEqual(missing(role === 'worker' ? ['queue', 'workers'] : ['queue']));
    away();
    await poll(
      () => probe('ready'),
      ({ status }) => status === 200,
    );
    // A store that is lost later.
    proxy.block();
    expect(
      await poll(
        () => probe('ready'),
        ({ status }) => status !== 200,
      ),
    ).toEqual(missing(['queue']));
    expect(await probe('live')).toEqual(fine);
  },
);
