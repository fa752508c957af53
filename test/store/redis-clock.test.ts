import { Redis } from 'ioredis';
import { expect, it, onTestFinished } from 'vitest';
import { newJobId } from '../../src/core/job-id.ts';
import { createEmbeddedStore } from '../../src/stores/embedded-store.ts';
import { poll } from '../support/follow.ts';
import { installServers } from '../support/install-servers.ts';
import { openSide, scripted } from '../support/queue.ts';
import { startRedis } from '../support/servers.ts';

it('the clock of Redis is read again after a new connection, which may lead to another server', async () => {
  const server = await startRedis(installServers());
  onTestFinished(() => server.stop());
  const plain = scripted('plain');
  const side = await openSide({ url: server.url, embedded: createEmbeddedStore(''), types: [plain.type] });
  onTestFinished(() => side.close());
  const admin = new Redis(server.url);
  onTestFinished(() => admin.disconnect());
  const add = () =>
    side.queue.add({
      id: newJobId('plain'),
      type: 'plain',
      createdAt: new Date(),
      maxAttempts: 1,
      caller: 'somebody',
      input: { text: 'x' },
      requestId: 'test',
    });
  const readings = async (): Promise<number> =>
    Number(/^cmdstat_time:calls=(\d+)/m.exec(await admin.info('commandstats'))?.[1] ?? 0);
  await add();
  await admin.config('RESETSTAT');
  await add();
  // The script that adds reads it for itself.
  expect(await readings()).toBe(1);
  await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await poll(
    () =>
      side.queue.ping().then(
        () => true,
        () => false,
      ),
    Boolean,
  );
  await admin.config('RESETSTAT');
  await add();
  expect(await readings()).toBe(2);
});
