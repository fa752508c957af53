import { EventEmitter } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import type { PGlite } from '@electric-sql/pglite';
import type { DatabaseClient, DatabaseCursor, DatabasePool, DatabaseResult } from '../core/providers.ts';

/**
 * PGlite in the shape of a `pg.Pool`, as BullMQ's PostgreSQL backend and Kysely take it.
 *
 * PGlite has one session. A statement holds it while it runs; a transaction holds it from BEGIN to COMMIT or ROLLBACK, and every
 * other client waits. A client that is released inside a transaction is rolled back first, so that no other client inherits an
 * open or aborted transaction.
 */
export class EmbeddedPool extends EventEmitter implements DatabasePool {
  #db: PGlite | undefined;
  readonly #lock = new SessionLock();
  readonly #clients = new Set<EmbeddedClient>();

  constructor() {
    super();
    // Each queue and worker listens for errors.
    this.setMaxListeners(0);
  }

  /** Sets the database that the pool uses. */
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

  async query<Row>(text: string, parameters?: readonly unknown[]): Promise<DatabaseResult<Row>> {
    const db = this.#opened();
    return this.#lock.hold(() => runAlone<Row>(db, text, parameters));
  }

  /** Does nothing: `EmbeddedStore.close` closes the database. */
  async end(): Promise<void> {}

  #opened(): PGlite {
    if (this.#db === undefined) throw new Error('the embedded store is not open');
    return this.#db;
  }
}

/** Comments may precede it. */
const BEGINS = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*(begin|start\s+transaction)\b/i;
const ENDS = /^\s*(commit|end|abort|rollback(?!\s+(work\s+|transaction\s+)?to\b))\b/i;
/** A text of several statements that begins a transaction and ends it. */
const ENDS_AT_LAST = /;\s*(commit|end|abort|rollback)\s*;?\s*$/i;

/** One client of the pool. Every client emits all notifications; listeners filter them by channel. */
export class EmbeddedClient extends EventEmitter implements DatabaseClient {
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

  /** The overload for cursors is part of the interface of query builders; it is refused. */
  query<Row>(cursor: DatabaseCursor<Row>): DatabaseCursor<Row>;
  query<Row>(text: string, parameters?: readonly unknown[]): Promise<DatabaseResult<Row>>;
  query<Row>(
    text: string | DatabaseCursor<Row>,
    parameters?: readonly unknown[],
  ): Promise<DatabaseResult<Row>> | DatabaseCursor<Row> {
    if (typeof text !== 'string') throw new TypeError('the embedded store has no cursors');
    return this.#query(text, parameters);
  }

  async #query<Row>(text: string, parameters?: readonly unknown[]): Promise<DatabaseResult<Row>> {
    const begins = this.#unlock === undefined && BEGINS.test(text) && !ENDS_AT_LAST.test(text);
    if (this.#unlock === undefined && !begins) return this.#lock.hold(() => runAlone<Row>(this.#db, text, parameters));
    if (begins) this.#unlock = await this.#lock.acquire();
    let open = !ENDS.test(text);
    try {
      // After a failure, the client ends a transaction that an earlier text began.
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
      // A rollback fails only when the store is closed, and then no other client follows.
      .catch(() => undefined)
      .finally(() => this.#giveBack());
  }

  #giveBack(): void {
    this.#unlock?.();
    this.#unlock = undefined;
  }
}

/** For texts outside of a client's transaction: one that began a transaction and failed does not leave it open. */
async function runAlone<Row>(db: PGlite, text: string, parameters?: readonly unknown[]): Promise<DatabaseResult<Row>> {
  try {
    return await run<Row>(db, text, parameters);
  } catch (error) {
    if (!db.closed) await db.exec('ROLLBACK');
    throw error;
  }
}

async function run<Row>(db: PGlite, text: string, parameters?: readonly unknown[]): Promise<DatabaseResult<Row>> {
  // As with pg, a text without parameters may hold several statements; the last one's rows count.
  const result =
    parameters === undefined || parameters.length === 0
      ? (await db.exec(text)).at(-1)
      : await db.query(text, [...parameters]);
  // PGlite answers within the microtask queue, which would starve this process's sockets.
  await setImmediate();
  // The caller knows what its statement selects, as with pg.
  return { rows: (result?.rows ?? []) as Row[], rowCount: result?.affectedRows ?? 0, command: 'SELECT' };
}

/** Lets one holder at a time use the session, in the order of their requests. */
class SessionLock {
  #last: Promise<void> = Promise.resolve();

  /** Resolves to the function that releases the lock. */
  async acquire(): Promise<() => void> {
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    const turn = this.#last;
    this.#last = turn.then(() => over);
    await turn;
    return end;
  }

  async hold<T>(work: () => Promise<T>): Promise<T> {
    const end = await this.acquire();
    try {
      return await work();
    } finally {
      end();
    }
  }
}
