import { Cluster, Redis } from 'ioredis';
import { StartError } from '../../core/start-error.ts';

export type RedisClient = Redis | Cluster;

/** The part of ioredis' options that is used. */
export interface RedisClientOptions {
  /** Milliseconds until the next try to connect. */
  retryStrategy(tries: number): number;
  readonly connectTimeout: number;
  /** Milliseconds without an answer after which a connection is closed: a host that vanished sends no error. */
  readonly socketTimeout: number;
  /** null: commands wait for a reconnect. */
  readonly maxRetriesPerRequest: number | null;
  /** Connects only by `connect()`. */
  readonly lazyConnect?: boolean;
  readonly enableOfflineQueue?: boolean;
  readonly autoResendUnfulfilledCommands?: boolean;
}

/**
 * A client for `redis://`, `rediss://`, `redis+sentinel://[user:password@]host[:port],…/master[/db]` or
 * `redis+cluster://[user:password@]host[:port],…`.
 * @throws StartError that names QUEUE_URL, when the URL can't be read
 */
export function createRedisClient(url: string, options: RedisClientOptions): RedisClient {
  if (url.startsWith('redis+sentinel://')) {
    const { nodes, credentials, path } = readNodes(url, 26_379);
    const [name, db] = path;
    if (name === undefined)
      throw new StartError('QUEUE_URL: redis+sentinel:// needs the name of the master as its path');
    return new Redis({
      ...options,
      ...credentials,
      sentinels: nodes,
      name,
      db: toDatabase(db),
      sentinelCommandTimeout: options.connectTimeout,
    });
  }
  if (url.startsWith('redis+cluster://')) {
    const { nodes, credentials } = readNodes(url, 6379);
    const { retryStrategy, lazyConnect = false, enableOfflineQueue = true, ...nodeOptions } = options;
    return new Cluster(nodes, {
      lazyConnect,
      enableOfflineQueue,
      clusterRetryStrategy: retryStrategy,
      redisOptions: { ...nodeOptions, ...credentials },
    });
  }
  if (!URL.canParse(url)) throw new StartError('QUEUE_URL: the URL cannot be read');
  return new Redis(url, { ...options, db: toDatabase(new URL(url).pathname.slice(1)) });
}

function toDatabase(path = ''): number {
  if (!/^\d{0,9}$/.test(path)) throw new StartError('QUEUE_URL: the path of a Redis URL is the number of a database');
  return Number(path);
}

interface Nodes {
  readonly nodes: { host: string; port: number }[];
  readonly credentials: { username?: string; password?: string };
  readonly path: string[];
}

/** `URL` reads one host alone. */
const NODES = /^[a-z+]+:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^/]+)(?:\/(.*))?$/;

function readNodes(url: string, defaultPort: number): Nodes {
  const match = NODES.exec(url);
  if (match === null) throw new StartError('QUEUE_URL: the URL cannot be read');
  const [, username, password, hosts = '', path = ''] = match;
  const nodes = hosts.split(',').map((node) => {
    const [host = '', port] = node.split(':');
    return { host, port: port === undefined ? defaultPort : Number(port) };
  });
  if (nodes.some(({ host, port }) => host === '' || !Number.isInteger(port))) {
    throw new StartError('QUEUE_URL: expected one or more host:port, separated by commas');
  }
  return {
    nodes,
    credentials: {
      ...(username && { username: decodeURIComponent(username) }),
      ...(password && { password: decodeURIComponent(password) }),
    },
    path: path.split('/').filter((part) => part !== ''),
  };
}
