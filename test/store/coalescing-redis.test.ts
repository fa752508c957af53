import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { CoalescingRedis } from '../../src/queue/redis/coalescing-redis.ts';
import { installServers } from '../support/install-servers.ts';
import { startRedis } from '../support/servers.ts';

it('commands of one turn share a few writes, and are answered in their order, after a lost connection too', async () => {
  const server = await startRedis(installServers());
  onTestFinished(() => server.stop());
  const client = new CoalescingRedis(server.url, { lazyConnect: true });
  onTestFinished(() => client.disconnect());
  await client.connect();
  const reads = async (): Promise<number> =>
    Number(/total_reads_processed:(\d+)/.exec(await client.info('stats'))?.[1] ?? Number.NaN);
  const numbers = Array.from({ length: 40 }, (_, index) => String(index));
  const echoAll = (): Promise<string[]> => Promise.all(numbers.map((number) => client.echo(number)));

  const before = await reads();
  expect(await echoAll()).toEqual(numbers);
  expect((await reads()) - before).toBeLessThanOrEqual(numbers.length / 4);

  client.disconnect(true);
  await once(client, 'ready');
  expect(await echoAll()).toEqual(numbers);
});
