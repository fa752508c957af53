import { EventEmitter } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import type { PGlite } from '@electric-sql/pglite';
import { DeadlineError } from '../core/deadline.ts';
import type { DatabaseClient, DatabaseCursor, DatabasePool, DatabaseResult } from '../core/providers.ts';

/** Nobody waits longer for a read, in milliseconds. */
const MAX_READ_WAIT_MS = 1500;

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
  #db: Database | undefined;
  readonly #session = new Session(async () => void (await this.#opened().run(FLUSH)));
  readonly #clients = new Set<EmbeddedClient>();

  constructor() {
    super();
    // Each queue and worker listens for errors.
    this.setMaxListeners(0);
  }

  /**
   * Sets the database that the pool uses.
   * @param openAgain opens it where it has broken
   */
  attach(db: PGlite, openAgain: () => Promise<PGlite>): void {
    this.#db = new Database(db, openAgain, (channel, payload) => {
      for (const client of this.#clients) client.emit('notification', { channel, payload });
    });
  }

  /** Closes the database. */
  async detach(): Promise<void> {
    const db = this.#db;
    this.#db = undefined;
    await db?.close();
  }

  async connect(): Promise<EmbeddedClient> {
    const client = new EmbeddedClient(this.#opened(), this.#session, () => this.#clients.delete(client));
    this.#clients.add(client);
    return client;
  }

  async query<Row>(text: string, parameters?: readonly unknown[]): Promise<DatabaseResult<Row>> {
    const db = this.#opened();
    return this.#session.hold(() => db.runAlone<Row>(text, parameters));
  }

  /**
   * Runs one statement that changes nothing. Its reply waits only for a flush that is due already, of changes that it may have read.
   * @throws DeadlineError without running it, when its turn comes too late: a flood of reads that were given up would hold all others back
   */
  async read<Row>(text: string, parameters?: readonly unknown[]): Promise<DatabaseResult<Row>> {
    const db = this.#opened();
    const until = performance.now() + MAX_READ_WAIT_MS;
    const work = (): Promise<DatabaseResult<Row>> => {
      if (performance.now() > until) throw new DeadlineError(`no answer within ${MAX_READ_WAIT_MS} ms`);
      return db.run<Row>(text, parameters);
    };
    return this.#session.hold(work, { writes: false });
  }

  /** Does nothing: `EmbeddedStore.close` closes the database. */
  async end(): Promise<void> {}

  #opened(): Database {
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
  readonly #db: Database;
  readonly #session: Session;
  readonly #onRelease: () => void;
  /** Set from BEGIN until COMMIT or ROLLBACK. */
  #unlock: (() => void) | undefined;

  constructor(db: Database, session: Session, onRelease: () => void) {
    super();
    this.setMaxListeners(0);
    this.#db = db;
    this.#session = session;
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
      return this.#session.hold(() => this.#db.runAlone<Row>(text, parameters));
    if (begins) this.#unlock = await this.#session.acquire();
    let open = !ENDS.test(text);
    try {
      // After a failure, the client ends a transaction that an earlier text began.
      return await (begins ? this.#db.runAlone<Row>(text, parameters) : this.#db.run<Row>(text, parameters));
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
    this.#db
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

/**
 * Of PostgreSQL in this process, where a full disk stopped a transaction: it runs nothing else any more (SQLSTATE 24000). Opened again, as after
 * a crash, it has all that was committed.
 */
const BROKEN = /cannot drop (active|pinned) portal/;
/** Milliseconds between two tries to open it again: the disk may still be full. */
const OPEN_AGAIN_MS = 1000;
const LISTEN = /^\s*(?:--[^\n]*\n\s*)*LISTEN\s+(\w+|"[^"]+")/i;

type OnNotification = (channel: string, payload: string) => void;

/** The open database, whose statements are run one after the other. */
class Database {
  /** Undefined: it has broken. */
  #db: PGlite | undefined;
  readonly #openAgain: () => Promise<PGlite>;
  readonly #onNotification: OnNotification;
  readonly #channels = new Set<string>();
  #failedAt = Number.NEGATIVE_INFINITY;

  constructor(db: PGlite, openAgain: () => Promise<PGlite>, onNotification: OnNotification) {
    this.#db = db;
    this.#openAgain = openAgain;
    this.#onNotification = onNotification;
    db.onNotification(onNotification);
  }

  /** For texts outside of a client's transaction: one that began a transaction and failed does not leave it open. */
  async runAlone<Row>(text: string, parameters?: readonly unknown[]): Promise<DatabaseResult<Row>> {
    try {
      return await this.run<Row>(text, parameters);
    } catch (error) {
      if (this.#db?.closed === false) await this.run('ROLLBACK');
      throw error;
    }
  }

  async run<Row>(text: string, parameters?: readonly unknown[]): Promise<DatabaseResult<Row>> {
    const db = this.#db ?? (await this.#recover());
    const startedAt = performance.now();
    try {
      // As with pg, a text without parameters may hold several statements; the last one's rows count.
      const result =
        parameters === undefined || parameters.length === 0
          ? (await db.exec(text)).at(-1)
          : await db.query(text, [...parameters]);
      const [, channel] = LISTEN.exec(text) ?? [];
      if (channel !== undefined) this.#channels.add(channel);
      await share(performance.now() - startedAt);
      // The caller knows what its statement selects, as with pg.
      return { rows: (result?.rows ?? []) as Row[], rowCount: result?.affectedRows ?? 0, command: 'SELECT' };
    } catch (error) {
      if (!(error instanceof Error) || !BROKEN.test(error.message)) throw error;
      // Never closed, which would write to the files that are opened again.
      this.#db = undefined;
      throw crashed(error);
    }
  }

  async close(): Promise<void> {
    await this.#db?.close();
  }

  async #recover(): Promise<PGlite> {
    if (performance.now() < this.#failedAt + OPEN_AGAIN_MS) throw crashed();
    try {
      const db = await this.#openAgain();
      db.onNotification(this.#onNotification);
      for (const channel of this.#channels) await db.exec(`LISTEN ${channel}`);
      this.#db = db;
      return db;
    } catch (cause) {
      this.#failedAt = performance.now();
      throw crashed(cause);
    }
  }
}

/** As a server says it that has crashed, and is not there again. */
function crashed(cause?: unknown): Error {
  return Object.assign(new Error('the embedded store has to be opened again', { cause }), { code: '57P02' });
}

/** How long statements run, in milliseconds, before the rest of this process has a turn, and at most how long. */
const MIN_SLICE_MS = 4;
const MAX_SLICE_MS = 250;
/** Of this turn, in milliseconds. */
let slice = MIN_SLICE_MS;
let used = 0;

/**
 * Shares the thread between statements and all else. PGlite answers within the microtask queue, so that statements alone would starve this
 * process's sockets; and with one statement in a turn of the event loop, a flood of requests would starve the store, which each of them waits
 * for. So statements have as long as the rest had in the turn before.
 * @param ms that a statement took
 */
async function share(ms: number): Promise<void> {
  used += ms;
  if (used < slice) return;
  const startedAt = performance.now();
  await setImmediate();
  slice = Math.min(MAX_SLICE_MS, Math.max(MIN_SLICE_MS, performance.now() - startedAt));
  used = 0;
}

/** The log up to here reaches the disk (PostgreSQL's manual, sections 28.4 and 9.28.6). */
const FLUSH = `
  SELECT pg_logical_emit_message(false, 'accepted', '', true)
   WHERE pg_current_wal_insert_lsn() > pg_current_wal_flush_lsn()`;

/** Lets one holder at a time use the session, in the order of their requests. */
class Session {
  #last: Promise<void> = Promise.resolve();
  readonly #flushLog: () => Promise<void>;
  /** A flush that waits for its turn. */
  #due: Promise<void> | undefined;

  constructor(flush: () => Promise<void>) {
    this.#flushLog = flush;
  }

  /** Resolves to the function that releases the session. */
  async acquire(): Promise<() => void> {
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    const turn = this.#last;
    this.#last = turn.then(() => over);
    await turn;
    return end;
  }

  /** Resolves when what was committed so far is on the disk. Everybody who waits for the session now comes first, and shares the flush. */
  flush(): Promise<void> {
    this.#due ??= this.#flushInTurn();
    return this.#due;
  }

  async #flushInTurn(): Promise<void> {
    const end = await this.acquire();
    this.#due = undefined;
    try {
      await this.#flushLog();
    } finally {
      end();
    }
  }

  async hold<T>(work: () => Promise<T>, { writes } = { writes: true }): Promise<T> {
    const end = await this.acquire();
    try {
      return await work();
    } finally {
      const flushed = writes ? this.flush() : this.#due;
      end();
      await flushed;
    }
  }
}
