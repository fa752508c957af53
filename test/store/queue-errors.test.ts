import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { newJobId } from '../../src/core/job-id.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createEmbeddedStore } from '../../src/stores/embedded-store.ts';
import { poll } from '../support/follow.ts';
import { installServers } from '../support/install-servers.ts';
import { type QueueSide, openSide, scripted, setUpQueue } from '../support/queue.ts';
import { startRedis } from '../support/servers.ts';
import { openPool } from '../support/postgres.ts';

type Command = [name: string, ...args: string[]];

const plain = scripted('plain');

const add = (side: QueueSide): Promise<unknown> =>
  side.queue.add({
    id: newJobId('plain'),
    type: 'plain',
    caller: 'somebody',
    createdAt: new Date(),
    maxAttempts: 3,
    input: { text: 'private' },
    requestId: 'test',
  });

describe('a submission on a Redis that can take nothing now', () => {
  const programs = installServers();

  it.each([
    ['OOM', ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0']],
    ['READONLY', ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE']],
    ['NOREPLICAS', ['CONFIG', 'SET', 'min-replicas-to-write', '1'], ['CONFIG', 'SET', 'min-replicas-to-write', '0']],
  ] satisfies [string, Command, Command][])(
    'for %s is queue-unavailable, and is taken afterwards',
    async (code, begin, end) => {
      const server = await startRedis(programs);
      onTestFinished(() => server.stop());
      const lines: string[] = [];
      const write = (_: object, message: string): void => void (message.startsWith('the queue') && lines.push(message));
      const logger = { ...createLogger('silent'), warn: write, info: write };
      const side = await openSide({ url: server.url, embedded: createEmbeddedStore(''), types: [plain.type], logger });
      onTestFinished(() => side.close());
      const admin = new Redis(server.url);
      onTestFinished(() => admin.disconnect());
      await admin.call(begin[0], begin.slice(1));
      await expect(add(side)).rejects.toMatchObject({
        problem: 'queue-unavailable',
        retryAfter: 1,
        cause: { message: expect.stringMatching(`^${code}`) },
      });
      await expect(side.queue.ping()).rejects.toMatchObject({ problem: 'queue-unavailable' });
      // What only reads goes on, and what changes something is refused without asking Redis.
      await poll(
        () => add(side).catch((error: unknown) => error),
        (error) => error instanceof Error && String(error.cause).includes('the store takes no changes'),
      );
      expect(await side.queue.readDepth('plain', 10)).toBe(0);
      expect(lines).toEqual(['the queue takes no changes; retrying']);
      await admin.call(end[0], end.slice(1));
      await poll(
        () =>
          add(side).then(
            () => true,
            () => false,
          ),
        Boolean,
      );
      expect(await side.queue.readDepth('plain', 10)).toBe(1);
      await side.queue.ping();
      expect(lines).toEqual(['the queue takes no changes; retrying', 'the queue is available again']);
    },
  );
});

describe.each(['redis', 'postgres'] as const)('on %s', (backend) => {
  const test = setUpQueue(backend, [plain]);

  it('what is no fault of the store is passed on as it is', async () => {
    await expect(add(test)).resolves.toMatchObject({ status: 'Pending' });
    if (backend === 'redis') {
      const admin = new Redis(test.url ?? '');
      await admin.flushdb();
      await admin.set('accepted:{plain}:wait', 'no list');
      admin.disconnect();
      await expect(add(test)).rejects.toThrow('WRONGTYPE');
    } else {
      const admin = openPool(test.url, { max: 1 });
      await admin.query('DROP FUNCTION accepted_queue.before');
      await admin.end();
      await expect(add(test)).rejects.toThrow('accepted_queue.before');
    }
    expect(await test.queue.read(newJobId('plain'), 'plain')).toBeUndefined();
  });
});

describe('on a PostgreSQL that is no primary any more', () => {
  const test = setUpQueue('postgres', [plain]);

  it('a submission is queue-unavailable', async () => {
    const admin = openPool(test.url, { max: 1 });
    const database = new URL(test.url ?? '').pathname.slice(1);
    await admin.query(`ALTER DATABASE ${database} SET default_transaction_read_only = on`);
    await admin.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
    const causes = new Set<unknown>();
    await poll(async () => {
      const error = await add(test).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ problem: 'queue-unavailable' });
      if (error instanceof Error && error.cause instanceof Error && 'code' in error.cause) causes.add(error.cause.code);
      return causes.has('25006');
    }, Boolean);
    await admin.query(`ALTER DATABASE ${database} RESET default_transaction_read_only`);
    await admin.end();
  });
});
