import { EventEmitter } from 'node:events';
import type { Notification, Pool, PoolClient } from 'pg';

const LISTEN = /^\s*(?:--[^\n]*\n\s*)*LISTEN\s+(\w+)/i;
/** BullMQ names the connection of each listener, which several of one connection cannot be. */
const SETS_NAME = /set_config\('application_name'/;

/** One connection that listens for all workers and events of a process. */
interface Listener {
  connect(): Promise<SharedClient>;
  close(): Promise<void>;
}

/**
 * Lets all that BullMQ connects through a pool listen on one connection. BullMQ opens one for each worker and each reader of events, so
 * that a few processes with several job types would use up PostgreSQL's connections.
 */
export function createSharedListener(pool: Pool): Listener {
  const clients = new Set<SharedClient>();
  let connecting: Promise<PoolClient> | undefined;
  /** What this connection listens to, by the statement; one at a time. */
  const listened = new Map<string, Promise<unknown>>();
  let last: Promise<unknown> = Promise.resolve();

  async function open(): Promise<PoolClient> {
    const connection = await pool.connect();
    connection.on('notification', (notification: Notification) => {
      for (const client of clients) client.emit('notification', notification);
    });
    connection.on('error', (error) => {
      connecting = undefined;
      listened.clear();
      connection.release(error);
      // Each asks for a new client then, and listens again.
      for (const client of clients) if (client.listenerCount('error') > 0) client.emit('error', error);
    });
    return connection;
  }

  const listen = (text: string): Promise<unknown> => {
    const known = listened.get(text);
    if (known !== undefined) return known;
    connecting ??= open();
    const connected = connecting;
    const listening = last.catch(() => undefined).then(async () => (await connected).query(text));
    last = listening;
    listened.set(text, listening);
    listening.catch(() => {
      if (listened.get(text) === listening) listened.delete(text);
      connected.catch(() => connecting === connected && (connecting = undefined));
    });
    return listening;
  };

  return {
    async connect() {
      const client = new SharedClient(pool, listen, () => clients.delete(client));
      clients.add(client);
      return client;
    },
    async close() {
      (await connecting?.catch(() => undefined))?.release(true);
      connecting = undefined;
    },
  };
}

/** Listens on the shared connection, and takes one of the pool's for everything else. */
class SharedClient extends EventEmitter {
  /** BullMQ turns on the keep-alive of this socket, which the pool has done. */
  readonly connection = { stream: { setKeepAlive: () => undefined } };
  readonly #pool: Pool;
  readonly #listen: (text: string) => Promise<unknown>;
  readonly #onRelease: () => void;
  #own: Promise<PoolClient> | undefined;

  constructor(pool: Pool, listen: (text: string) => Promise<unknown>, onRelease: () => void) {
    super();
    this.setMaxListeners(0);
    this.#pool = pool;
    this.#listen = listen;
    this.#onRelease = onRelease;
  }

  async query(text: string, parameters?: unknown[]): Promise<unknown> {
    if (LISTEN.test(text)) return this.#listen(text);
    if (SETS_NAME.test(text)) return { rows: [], rowCount: 0 };
    this.#own ??= this.#pool.connect();
    return (await this.#own).query(text, parameters);
  }

  release(destroy?: boolean): void {
    this.#onRelease();
    this.#own?.then((client) => client.release(destroy)).catch(() => undefined);
    this.#own = undefined;
  }
}
