import { EventEmitter } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import type { PGlite } from '@electric-sql/pglite';
import type { PostgresCursor } from 'kysely';
import { SessionLock } from './session-lock.ts';

export interface EmbeddedResult<Row> {
  rows: Row[];
  rowCount: number;
  command: 'SELECT';
}

/**
 * PGlite in the shape of a `pg.Pool`, as BullMQ's PostgreSQL backend and Kysely take it.
 *
 * PGlite has one session. A statement takes it for its own time; a transaction takes it from BEGIN to COMMIT or ROLLBACK, and
 * every other client waits that long. A client released inside a transaction is rolled back first, so that nobody inherits
 * an open or aborted one.
 */
export class EmbeddedPool extends EventEmitter {
  #db: PGlite | undefined;
  readonly #lock = new SessionLock();
  readonly #clients = new Set<EmbeddedClient>();

  constructor() {
    super();
    // Each queue and worker listens for errors.
    this.setMaxListeners(0);
  }

  /** Gives the pool the database it stands for. */
  attach(db: PGlite): void {
    this.#db = db;
    db.onNotification((channel, payload) => {
      for (const client of this.#clients) client.emit('notification', { channel, payload });
    });
  }

  async connect(): Promise<EmbeddedClient> {
    const client = new EmbeddedClient(this.#opened(), this.#lock, () => this.#clients.delete(client));
    this.#clients.add(client);
    return client;
  }

  async query<Row>(text: string, parameters?: readonly unknown[]): Promise<EmbeddedResult<Row>> {
    const db = this.#opened();
    return this.#lock.hold(() => runAlone<Row>(db, text, parameters));
  }

  /** Does nothing: the store is closed by whoever opened it. */
  async end(): Promise<void> {}

  #opened(): PGlite {
    if (this.#db === undefined) throw new Error('the embedded store is not open');
    return this.#db;
  }
}

/** Comments may come before it. */
const BEGINS = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*(begin|start\s+transaction)\b/i;
const ENDS = /^\s*(commit|end|abort|rollback(?!\s+(work\s+|transaction\s+)?to\b))\b/i;
/** Several statements in one text, that open a transaction and end it. */
const ENDS_AT_LAST = /;\s*(commit|end|abort|rollback)\s*;?\s*$/i;

/** One client of the pool; all clients hear all notifications, whose listeners filter by channel. */
export class EmbeddedClient extends EventEmitter {
  readonly #db: PGlite;
  readonly #lock: SessionLock;
  readonly #onRelease: () => void;
  /** Set from BEGIN until COMMIT or ROLLBACK. */
  #unlock: (() => void) | undefined;

  constructor(db: PGlite, lock: SessionLock, onRelease: () => void) {
    super();
    this.setMaxListeners(0);
    this.#db = db;
    this.#lock = lock;
    this.#onRelease = onRelease;
  }

  /** Kysely's interface has cursors too, which nobody here asks for. */
  query<Row>(cursor: PostgresCursor<Row>): PostgresCursor<Row>;
  query<Row>(text: string, parameters?: readonly unknown[]): Promise<EmbeddedResult<Row>>;
  query<Row>(
    text: string | PostgresCursor<Row>,
    parameters?: readonly unknown[],
  ): Promise<EmbeddedResult<Row>> | PostgresCursor<Row> {
    if (typeof text !== 'string') throw new TypeError('the embedded store has no cursors');
    return this.#query(text, parameters);
  }

  async #query<Row>(text: string, parameters?: readonly unknown[]): Promise<EmbeddedResult<Row>> {
    const begins = this.#unlock === undefined && BEGINS.test(text) && !ENDS_AT_LAST.test(text);
    if (this.#unlock === undefined && !begins) return this.#lock.hold(() => runAlone<Row>(this.#db, text, parameters));
    if (begins) this.#unlock = await this.#lock.acquire();
    let open = !ENDS.test(text);
    try {
      // Where it is not this text that begins the transaction, a failure leaves it to its client to end it.
      return await (begins ? runAlone : run)<Row>(this.#db, text, parameters);
    } catch (error) {
      if (begins) open = false;
      throw error;
    } finally {
      if (!open) this.#giveBack();
    }
  }

  release(): void {
    this.#onRelease();
    if (this.#unlock === undefined) return;
    run(this.#db, 'ROLLBACK')
      // Only a store that is closed can't roll back, and then nobody comes after.
      .catch(() => undefined)
      .finally(() => this.#giveBack());
  }

  #giveBack(): void {
    this.#unlock?.();
    this.#unlock = undefined;
  }
}

/** Outside a client's transaction; a text that opened one of its own and failed leaves none behind. */
async function runAlone<Row>(db: PGlite, text: string, parameters?: readonly unknown[]): Promise<EmbeddedResult<Row>> {
  try {
    return await run<Row>(db, text, parameters);
  } catch (error) {
    if (!db.closed) await db.exec('ROLLBACK');
    throw error;
  }
}

async function run<Row>(db: PGlite, text: string, parameters?: readonly unknown[]): Promise<EmbeddedResult<Row>> {
  // As with pg, a text without parameters may hold several statements; the last one's rows count.
  const result =
    parameters === undefined || parameters.length === 0
      ? (await db.exec(text)).at(-1)
      : await db.query(text, [...parameters]);
  // PGlite answers without ever leaving the microtask queue, and would starve this process's sockets.
  await setImmediate();
  // The caller knows what its statement selects, as with pg.
  return { rows: (result?.rows ?? []) as Row[], rowCount: result?.affectedRows ?? 0, command: 'SELECT' };
}
