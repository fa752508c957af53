import { setImmediate } from 'node:timers/promises';
import { type PGlite, protocol } from '@electric-sql/pglite';
import { LRUCache } from 'lru-cache';
import type { DatabaseResult } from '../core/providers.ts';

const { messages, serialize } = protocol;

/** The most statements of which the session keeps something; a project's own may have any text. */
const MAX_KNOWN = 200;
/** One statement that reads or changes rows. Comments may precede it. */
const ONE_STATEMENT = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*(select|insert|update|delete|with)\b/i;
/** What may change the columns of a prepared statement. */
const CHANGES_SCHEMA = /\b(alter|create|drop)\b/i;
/** Rows that a statement changed (PostgreSQL's manual, section 54.7, CommandComplete). */
const CHANGED_ROWS = /^(?:INSERT|UPDATE|DELETE|MERGE)\b.* (\d+)$/;
/** The log up to here reaches the disk (PostgreSQL's manual, sections 28.4 and 9.28.6). */
const FLUSH = `SELECT pg_logical_emit_message(false, 'accepted', '', true)
                WHERE pg_current_wal_insert_lsn() > pg_current_wal_flush_lsn()`;

/** What the session knows of a statement. */
interface Known {
  /** Under which it is prepared; empty for one that is planned for the values of each run. */
  readonly name: string;
  readonly parameterTypes: readonly number[];
}

type Replies = Awaited<ReturnType<PGlite['execProtocolStream']>>;

/** PGlite's one session. It has one holder at a time, in the order of their requests. */
export class EmbeddedSession {
  readonly #db: PGlite;
  #last: Promise<void> = Promise.resolve();
  /** A flush that waits for its turn. */
  #due: Promise<void> | undefined;
  readonly #planned = new LRUCache<string, Known>({ max: MAX_KNOWN });
  readonly #prepared: LRUCache<string, Known>;
  /** Names of statements to forget with the next one. */
  #dropped: string[] = [];
  #names = 0;

  constructor(db: PGlite) {
    this.#db = db;
    this.#prepared = new LRUCache({ max: MAX_KNOWN, dispose: ({ name }) => void this.#dropped.push(name) });
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
      await this.run(FLUSH, [], true);
    } finally {
      end();
    }
  }

  /** @param options.writes whether the reply waits for what the work committed to be on the disk, or only for a flush that is due already */
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

  /** For texts outside of a client's transaction: one that began a transaction and failed does not leave it open. */
  async runAlone<Row>(text: string, parameters?: readonly unknown[], prepares?: boolean): Promise<DatabaseResult<Row>> {
    try {
      return await this.run<Row>(text, parameters, prepares);
    } catch (error) {
      if (!this.#db.closed) await this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  /**
   * To be called by the holder of the session alone.
   * @param prepares whether one plan fits all values, so that the statement is kept prepared
   */
  async run<Row>(text: string, parameters: readonly unknown[] = [], prepares = false): Promise<DatabaseResult<Row>> {
    const isOne = ONE_STATEMENT.test(text) && (parameters.length > 0 || !text.includes(';'));
    const { rows, changed } = isOne ? await this.#runOne(text, parameters, prepares) : await this.#runText(text);
    // PGlite answers within the microtask queue, which would starve this process's sockets.
    await setImmediate();
    // The caller knows what its statement selects, as with pg.
    return { rows: rows as Row[], rowCount: changed, command: 'SELECT' };
  }

  /** As with pg, a text without parameters may hold several statements; the last one's rows count. */
  async #runText(text: string): Promise<{ rows: unknown[]; changed: number }> {
    if (CHANGES_SCHEMA.test(text)) for (const known of [this.#planned, this.#prepared]) known.clear();
    const result = (await this.#db.exec(text)).at(-1);
    return { rows: result?.rows ?? [], changed: result?.affectedRows ?? 0 };
  }

  /** In one message of PostgreSQL's protocol, where PGlite's own `query` sends six. */
  async #runOne(
    text: string,
    parameters: readonly unknown[],
    prepares: boolean,
  ): Promise<{ rows: unknown[]; changed: number }> {
    const { name, parameterTypes } = await this.#know(text, prepares);
    const values = parameters.map((value, index) => {
      if (value === null || value === undefined) return null;
      const toText = this.#db.serializers[parameterTypes[index] ?? 0];
      if (toText !== undefined) return toText(value);
      return typeof value === 'string' ? value : JSON.stringify(value);
    });
    const replies = await this.#send(
      ...(name === '' ? [serialize.parse({ text })] : []),
      serialize.bind({ statement: name, values }),
      serialize.describe({ type: 'P' }),
      serialize.execute({}),
    );
    return { rows: this.#readRows(replies), changed: countChanged(replies) };
  }

  /** Apart from the first run, which may fail and leave the statement prepared. */
  async #know(text: string, prepares: boolean): Promise<Known> {
    const cache = prepares ? this.#prepared : this.#planned;
    const kept = cache.get(text);
    if (kept !== undefined) return kept;
    const name = prepares ? `accepted_${(this.#names += 1)}` : '';
    const replies = await this.#send(serialize.parse({ name, text }), serialize.describe({ type: 'S', name }));
    const described = replies.find((reply) => reply instanceof messages.ParameterDescriptionMessage);
    const known = { name, parameterTypes: described?.dataTypeIDs ?? [] };
    cache.set(text, known);
    return known;
  }

  #readRows(replies: Replies): unknown[] {
    const { parsers } = this.#db;
    const fields = replies.find((reply) => reply instanceof messages.RowDescriptionMessage)?.fields ?? [];
    const rows = replies.filter((reply) => reply instanceof messages.DataRowMessage);
    return rows.map((row) => {
      const values = fields.map(({ name, dataTypeID }, index) => {
        const text = row.fields[index] ?? null;
        const parse = parsers[dataTypeID];
        return [name, text === null || parse === undefined ? text : parse(text, dataTypeID)] as const;
      });
      return Object.fromEntries(values);
    });
  }

  async #send(...parts: Uint8Array[]): Promise<Replies> {
    const dropped = this.#dropped.map((name) => serialize.close({ type: 'S', name }));
    this.#dropped = [];
    const message = Buffer.concat([...dropped, ...parts, serialize.sync()]);
    return this.#db.runExclusive(() => this.#db.execProtocolStream(message, { syncToFs: false }));
  }
}

function countChanged(replies: Replies): number {
  const ended = replies.find((reply) => reply instanceof messages.CommandCompleteMessage);
  return Number(CHANGED_ROWS.exec(ended?.text ?? '')?.[1] ?? 0);
}
