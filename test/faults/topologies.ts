import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import { poll } from '../support/follow.ts';
import type { RunningServer } from '../support/server-process.ts';
import { freePort, startRedis, startSentinel } from '../support/servers.ts';
import { DURABLE_REDIS, programs } from './stores.ts';

/** A queue on a Redis with a replica. */
export interface ReplicatedStore {
  readonly queueUrl: string;
  /** Resolves when the replica has everything written so far. */
  replicate(): Promise<void>;
  killMaster(): Promise<void>;
  /** Resolves when the replica is master. */
  promoted(): Promise<void>;
}

/** A key in the slot of the jobs of type `customer`. */
const MARKER = 'faults:{customer}';

async function startNode(options: readonly string[]): Promise<{ server: RunningServer; admin: Redis }> {
  const server = await startRedis(programs, [...DURABLE_REDIS, '--repl-diskless-sync-delay', '0', ...options]);
  onTestFinished(() => server.stop());
  const admin = new Redis(server.url);
  admin.on('error', () => undefined);
  onTestFinished(() => admin.disconnect());
  return { server, admin };
}

const infoSays = (admin: Redis, line: string): Promise<string> =>
  poll(
    () => admin.info('replication'),
    (info) => info.includes(line),
  );

async function replicate(admin: Redis): Promise<void> {
  await admin.set(MARKER, '1');
  await poll(
    () => admin.wait(1, 1000),
    (replicas) => replicas > 0,
  );
}

export async function startSentinelStore(): Promise<ReplicatedStore> {
  const master = await startNode([]);
  const replica = await startNode(['--replicaof', `127.0.0.1 ${new URL(master.server.url).port}`]);
  await infoSays(replica.admin, 'master_link_status:up');
  // Sentinel asks the master for its replicas at once and again after ten seconds.
  const quick = ['sentinel down-after-milliseconds jobs 1000', 'sentinel failover-timeout jobs 5000'];
  const sentinel = await startSentinel(programs, 'jobs', master.server.url, quick);
  onTestFinished(() => sentinel.stop());
  return {
    queueUrl: `${sentinel.url.replace('redis://', 'redis+sentinel://')}/jobs`,
    replicate: () => replicate(master.admin),
    killMaster: () => master.server.kill(),
    promoted: async () => void (await infoSays(replica.admin, 'role:master')),
  };
}

/** Three masters, each with a replica. */
export async function startClusterStore(): Promise<ReplicatedStore> {
  const nodes = await Promise.all(
    Array.from({ length: 6 }, async () => {
      // The default, the port plus 10,000, may exceed the range.
      const busPort = String(await freePort());
      return startNode(['--cluster-enabled', 'yes', '--cluster-node-timeout', '1500', '--cluster-port', busPort]);
    }),
  );
  const hosts = nodes.map(({ server }) => new URL(server.url).host);
  const redisCli = join(dirname(programs.redisServer), 'redis-cli');
  const create = ['--cluster', 'create', ...hosts, '--cluster-replicas', '1', '--cluster-yes'];
  execFileSync(redisCli, create, { stdio: 'ignore' });
  await poll(
    () =>
      Promise.all(nodes.map(async ({ admin }) => (await admin.cluster('INFO')) + (await admin.info('replication')))),
    (infos) =>
      infos.every((info) => info.includes('cluster_state:ok')) &&
      infos.filter((info) => info.includes('master_link_status:up')).length === 3,
  );
  const ownerAmong = async (candidates: typeof nodes) => {
    const writes = candidates.map(async (node) => node.admin.set(MARKER, '1').then(() => [node]));
    // The other nodes redirect or are down.
    return (await Promise.allSettled(writes)).flatMap((write) => (write.status === 'fulfilled' ? write.value : []));
  };
  const [owner] = await ownerAmong(nodes);
  if (owner === undefined) throw new Error('no node has the slot');
  const others = nodes.filter((node) => node !== owner);
  return {
    queueUrl: `redis+cluster://${hosts.join(',')}`,
    replicate: () => replicate(owner.admin),
    killMaster: () => owner.server.kill(),
    promoted: async () =>
      void (await poll(
        () => ownerAmong(others),
        (owners) => owners.length > 0,
      )),
  };
}
