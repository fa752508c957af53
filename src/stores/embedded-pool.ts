import { EventEmitter } from 'node:events';
import type { PGlite } from '@electric-sql/pglite';
import type { DatabaseClient, DatabaseCursor, DatabasePool, DatabaseResult } from '../core/providers.ts';
import { EmbeddedSession } from './embedded-session.ts';

/** The database that is open, and those who use it. */
interface Store {
  session: EmbeddedSession | undefined;
  readonly clients: Set<EmbeddedClient>;
}

/**
 * PGlite in the shape of a `pg.Pool`, as BullMQ's PostgreSQL backend and Kysely take it.
 *
 * PGlite has one session. A statement holds it while it runs; a transaction holds it from BEGIN to COMMIT or ROLLBACK, and every
 * other client waits. A client that is released inside a transaction is rolled back first, so that no other client inherits an
 * open or aborted transaction.
 *
 * A commit does not wait for the disk by itself (`synchronous_commit` is off). Before a client has its reply, the log is flushed once for all that
 * was committed meanwhile, so that what was answered survives a power cut.
 */
export class EmbeddedPool extends EventEmitter implements DatabasePool {
  readonly #store: Store;
  readonly #prepares: boolean;

  constructor(store: Store = { session: undefined, clients: new Set() }, prepares = false) {
    super();
    this.#store = store;
    this.#prepares = prepares;
    // Each queue and worker listens for errors.
    this.setMaxListeners(0);
  }

  /** The same store for statements of which one plan fits all values: each is parsed and planned once. Otherwise each run has its own plan. */
  preparing(): EmbeddedPool {
    return new EmbeddedPool(this.#store, true);
  }

  /** Sets the database that the pool uses. */
  attach(db: PGlite): void {
    this.#store.session = new EmbeddedSession(db);
    db.onNotification((channel, payload) => {
      for (const client of this.#store.clients) client.emit('notification', { channel, payload });
    });
  }

  async connect(): Promise<EmbeddedClient> {
    const { clients } = this.#store;
    const client = new EmbeddedClient(this.#opened(), this.#prepares, () => clients.delete(client));
    clients.add(client);
    return client;
  }

  async query<Row>(text: string, parameters?: readonly unknown[]): Promise<DatabaseResult<Row>> {
    const session = this.#opened();
    return session.hold(() => session.runAlone<Row>(text, parameters, this.#prepares));
  }

  /** Runs one statement that changes nothing. Its reply waits only for a flush that is due already, of changes that it may have read. */
  async read<Row>(text: string, parameters?: readonly unknown[]): Promise<DatabaseResult<Row>> {
    const session = this.#opened();
    return session.hold(() => session.run<Row>(text, parameters, this.#prepares), { writes: false });
  }

  /** Does nothing: `EmbeddedStore.close` closes the database. */
  async end(): Promise<void> {}

  #opened(): EmbeddedSession {
    if (this.#store.session === undefined) throw new Error('the embedded store is not open');
    return this.#store.session;
  }
}

/** Comments may precede it. */
const BEGINS = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*(begin|start\s+transaction)\b/i;
const ENDS = /^\s*(commit|end|abort|rollback(?!\s+(work\s+|transaction\s+)?to\b))\b/i;
/** A text of several statements that begins a transaction and ends it. */
const ENDS_AT_LAST = /;\s*(commit|end|abort|rollback)\s*;?\s*$/i;

/** One client of the pool. Every client emits all notifications; listeners filter them by channel. */
export class EmbeddedClient extends EventEmitter implements DatabaseClient {
  readonly #session: EmbeddedSession;
  readonly #prepares: boolean;
  readonly #onRelease: () => void;
  /** Set from BEGIN until COMMIT or ROLLBACK. */
  #unlock: (() => void) | undefined;

  constructor(session: EmbeddedSession, prepares: boolean, onRelease: () => void) {
    super();
    this.setMaxListeners(0);
    this.#session = session;
    this.#prepares = prepares;
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
    if (this.#unlock === undefined && !begins)
      return this.#session.hold(() => this.#session.runAlone<Row>(text, parameters, this.#prepares));
    if (begins) this.#unlock = await this.#session.acquire();
    let open = !ENDS.test(text);
    try {
      // After a failure, the client ends a transaction that an earlier text began.
      return await (begins
        ? this.#session.runAlone<Row>(text)
        : this.#session.run<Row>(text, parameters, this.#prepares));
    } catch (error) {
      if (begins) open = false;
      throw error;
    } finally {
      if (!open) {
        const flushed = this.#session.flush();
        this.#giveBack();
        await flushed;
      }
    }
  }

  release(): void {
    this.#onRelease();
    if (this.#unlock === undefined) return;
    this.#session
      .run('ROLLBACK')
      // A rollback fails only when the store is closed, and then no other client follows.
      .catch(() => undefined)
      .finally(() => this.#giveBack());
  }

  #giveBack(): void {
    this.#unlock?.();
    this.#unlock = undefined;
  }
}
