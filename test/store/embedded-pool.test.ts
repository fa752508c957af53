import fs, {
  chmodSync,
  copyFileSync,
  cpSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, assert, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { StartError } from '../../src/core/start-error.ts';
import type { DatabaseResult } from '../../src/core/providers.ts';
import type { EmbeddedClient } from '../../src/stores/embedded-pool.ts';
import { type EmbeddedStore, createEmbeddedStore } from '../../src/stores/embedded-store.ts';
import { tidy } from '../../src/stores/upkeep.ts';
import { createStore } from '../support/stores.ts';

/** A client, or the pool itself. */
interface Reader {
  query<Row>(text: string): Promise<DatabaseResult<Row>>;
}

/** A store on a folder of its own, not yet open. */
async function newStore(): Promise<{ folder: string; store: EmbeddedStore; remove: () => Promise<void> }> {
  const { settings, remove } = await createStore('embedded');
  const store = createEmbeddedStore(settings.DATA_DIR);
  return { folder: settings.DATA_DIR, store, remove: () => store.close().then(remove) };
}

async function newStoreForTest(): Promise<{ folder: string; store: EmbeddedStore }> {
  const made = await newStore();
  onTestFinished(made.remove);
  return made;
}

const ADD = 'INSERT INTO notes VALUES ($1)';
const add = (note: string): string => `INSERT INTO notes VALUES ('${note}')`;
const READ = 'SELECT note FROM notes ORDER BY note';

describe('the one session of the embedded store', () => {
  let shared: Awaited<ReturnType<typeof newStore>>;
  beforeAll(async () => {
    shared = await newStore();
    await shared.store.open();
  });
  afterAll(() => shared.remove());
  beforeEach(async () => {
    await shared.store.pool.query('DROP TABLE IF EXISTS notes; CREATE TABLE notes (note text NOT NULL)');
  });

  const connect = (): Promise<EmbeddedClient> => shared.store.pool.connect();
  const notes = async (reader: Reader = shared.store.pool): Promise<string[]> =>
    (await reader.query<{ note: string }>(READ)).rows.map(({ note }) => note);

  /** Asks for the notes as another client and as the pool, and writes down who is answered. */
  async function startReaders(order: string[] = []): Promise<() => Promise<string[][]>> {
    const client = await connect();
    const answers = Object.entries({ client, pool: shared.store.pool }).map(async ([name, reader]) => {
      const found = await notes(reader);
      order.push(name);
      return found;
    });
    return () => Promise.all(answers);
  }

  /** Runs a transaction during which others ask for the notes. Expects it to be alone, and gives what the others were answered. */
  async function askDuring(begin: string, statements: readonly string[], end: string): Promise<string[][]> {
    const order: string[] = [];
    const holder = await connect();
    await holder.query(begin);
    const answers = await startReaders(order);
    // Were the session shared, the others, who asked first, would be answered before the last of these.
    for (const statement of statements) await holder.query(statement);
    order.push('holder');
    await holder.query(end);
    const found = await answers();
    expect(order[0]).toBe('holder');
    return found;
  }

  it.each(['BEGIN; SELECT 1/0; COMMIT', '/* why */ BEGIN; SELECT 1/0', '-- why\n BEGIN; SELECT 1/0'])(
    'is free of the transaction that a failed text left open: %j',
    async (text) => {
      const client = await connect();
      for (const runner of [client, shared.store.pool]) {
        await expect(runner.query(text)).rejects.toThrow('division by zero');
        expect(await notes()).toEqual([]);
      }
      client.release();
    },
  );

  it.each(['BEGIN', 'begin isolation level serializable', '\n  BEGIN WORK', 'START TRANSACTION', 'start  transaction'])(
    'is held by the client that said %j until it commits',
    async (begin) => {
      const found = await askDuring(begin, [add('a'), add('b')], 'COMMIT');
      expect(found).toEqual([
        ['a', 'b'],
        ['a', 'b'],
      ]);
    },
  );

  it.each([
    'ROLLBACK TO SAVEPOINT here',
    'rollback to here',
    'ROLLBACK WORK TO SAVEPOINT here',
    'rollback transaction to here',
  ])('is still held after %j', async (rollback) => {
    const statements = [add('kept'), 'SAVEPOINT here', add('undone'), rollback, add('later'), READ];
    expect(await askDuring('BEGIN', statements, 'COMMIT')).toEqual([
      ['kept', 'later'],
      ['kept', 'later'],
    ]);
  });

  it.each([
    ['COMMIT', ['a']],
    [' commit work', ['a']],
    ['END', ['a']],
    ['ROLLBACK', []],
    ['rollback transaction', []],
    ['ABORT', []],
  ])('is free after %j', async (end, expected) => {
    expect(await askDuring('BEGIN', [add('a')], end)).toEqual([expected, expected]);
  });

  it('serves transactions of many clients one after the other', async () => {
    await shared.store.pool.query(ADD, ['0']);
    const increment = async (): Promise<void> => {
      const client = await connect();
      await client.query('BEGIN');
      const [before] = await notes(client);
      await client.query('UPDATE notes SET note = $1', [String(Number(before) + 1)]);
      await client.query('COMMIT');
      client.release();
    };
    await Promise.all(Array.from({ length: 20 }, increment));
    expect(await notes()).toEqual(['20']);
  });

  it('never passes an aborted transaction on to the next caller', async () => {
    const holder = await connect();
    await holder.query('BEGIN');
    await holder.query(ADD, ['a']);
    const answers = await startReaders();
    await expect(holder.query('SELECT 1 / 0')).rejects.toThrow('division by zero');
    await expect(holder.query(READ)).rejects.toThrow('current transaction is aborted');
    await holder.query('ROLLBACK');
    expect(await answers()).toEqual([[], []]);
  });

  it.each([
    ['open', []],
    ['aborted', ['SELECT 1 / 0']],
  ])('is rolled back when a client is released in an %s transaction', async (_, failing) => {
    const holder = await connect();
    await holder.query('BEGIN');
    await holder.query(ADD, ['a']);
    for (const statement of failing) await expect(holder.query(statement)).rejects.toThrow('division by zero');
    const answers = await startReaders();
    holder.release();
    expect(await answers()).toEqual([[], []]);
    // In a transaction that was left open this would be lost.
    await shared.store.pool.query(ADD, ['b']);
    expect(await notes(await connect())).toEqual(['b']);
  });

  it('is free after a statement that failed outside of transactions', async () => {
    const client = await connect();
    const failures = [client.query('SELECT 1 / 0'), shared.store.pool.query('SELECT 1 / $1::int', [0])];
    const written = [client.query(ADD, ['a']), shared.store.pool.query(ADD, ['b'])];
    for (const failure of failures) await expect(failure).rejects.toThrow('division by zero');
    await Promise.all(written);
    expect(await notes()).toEqual(['a', 'b']);
  });

  it('brings a notification to the clients, with its channel and payload, when it is committed', async () => {
    const [listener, sender, released] = [await connect(), await connect(), await connect()];
    const heard: unknown[] = [];
    const heardAfterRelease: unknown[] = [];
    await listener.query('LISTEN "Some Channel"');
    listener.on('notification', (message) => heard.push(message));
    released.on('notification', (message) => heardAfterRelease.push(message));
    released.release();
    const arrived = new Promise((resolve) => void listener.once('notification', resolve));
    await sender.query('BEGIN');
    await sender.query('SELECT pg_notify($1, $2)', ['Some Channel', 'it’s here']);
    expect(heard).toEqual([]);
    await sender.query('COMMIT');
    await arrived;
    expect(heard).toEqual([{ channel: 'Some Channel', payload: 'it’s here' }]);
    expect(heardAfterRelease).toEqual([]);
  });

  it('runs a text with several statements, all or none, and answers with the last one’s rows', async () => {
    const { rows } = await shared.store.pool.query(`INSERT INTO notes VALUES ('a'); SELECT 1 AS one; ${READ}`);
    expect(rows).toEqual([{ note: 'a' }]);
    await expect(shared.store.pool.query("INSERT INTO notes VALUES ('b'); SELECT 1 / 0")).rejects.toThrow(/zero/);
    expect(await notes()).toEqual(['a']);
  });

  it('keeps parameters of JSON, lists of text and null as they are', async () => {
    const json = { list: [1, null, 'ü "quoted" \\'], nested: { yes: true } };
    const texts = ['a,b', '"quoted"', 'back\\slash', '', 'NULL', null, '{}', ' spaced ', 'ü'];
    const { rows } = await shared.store.pool.query(
      'SELECT $1::json AS json, $2::jsonb AS text, $3::text[] AS texts, $4::text[] AS none, $5::jsonb AS nothing',
      [json, JSON.stringify(json), texts, [], null],
    );
    expect(rows).toEqual([{ json, text: json, texts, none: [], nothing: null }]);
  });

  it('has as much of the thread as everything else, neither less nor all of it', async () => {
    const STATEMENTS = 200;
    let turns = 0;
    let isOver = false;
    /** What a flood of requests does in each turn of the event loop. */
    const flood = (): void => {
      turns += 1;
      for (const until = performance.now() + 20; performance.now() < until;);
      if (!isOver) setImmediate(flood);
    };
    setImmediate(flood);
    for (let count = 0; count < STATEMENTS; count += 1) await shared.store.pool.query('SELECT 1');
    isOver = true;
    expect(turns).toBeGreaterThan(2);
    expect(turns).toBeLessThan(STATEMENTS / 2);
  });

  it('does not run a read that nobody waits for any more', async () => {
    const { pool } = shared.store;
    await pool.query('CREATE SEQUENCE reads');
    const client = await pool.connect();
    await client.query('BEGIN');
    const late = pool.read("SELECT nextval('reads')");
    await expect(Promise.race([late, delay(2000)])).resolves.toBeUndefined();
    await client.query('COMMIT');
    client.release();
    await expect(late).rejects.toThrow('no answer within 1500 ms');
    expect((await pool.query("SELECT nextval('reads')::integer AS next")).rows).toEqual([{ next: 1 }]);
  });

  it('says how many rows were written', async () => {
    expect(await shared.store.pool.query("INSERT INTO notes VALUES ('a'), ('b')")).toMatchObject({ rowCount: 2 });
    expect(await shared.store.pool.query('DELETE FROM notes WHERE note = $1', ['a'])).toMatchObject({ rowCount: 1 });
  });
});

describe('the folder of the embedded store', () => {
  it('keeps its data when it is closed and opened again', async () => {
    const { folder, store } = await newStoreForTest();
    await store.open();
    await store.pool.query('CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)');
    await store.close();
    const again = createEmbeddedStore(folder);
    onTestFinished(() => again.close());
    await again.open();
    expect((await again.pool.query('SELECT id FROM kept')).rows).toEqual([{ id: 1 }]);
  });

  it('belongs to one store at a time', async () => {
    const { folder, store } = await newStoreForTest();
    await store.open();
    const second = createEmbeddedStore(folder);
    onTestFinished(() => second.close());
    const refused = second.open();
    await expect(refused).rejects.toThrow(StartError);
    await expect(refused).rejects.toThrow(/^DATA_DIR: another process uses .*\/data, /);
    expect((await store.pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    await store.close();
    await second.open();
    expect((await second.pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  it('is refused, and let go, when what is in it is no store', async () => {
    const { folder, store } = await newStoreForTest();
    const [data, aside] = [join(folder, 'postgres'), join(folder, 'aside')];
    renameSync(data, aside);
    writeFileSync(data, 'not a folder');
    const refused = store.open();
    await expect(refused).rejects.toThrow(StartError);
    await expect(refused).rejects.toThrow(/^DATA_DIR: the store in .* can't be opened: /);
    rmSync(data);
    renameSync(aside, data);
    await store.open();
  });

  it('is refused when it can’t be made', async () => {
    const { folder, store } = await newStoreForTest();
    rmSync(folder, { recursive: true });
    writeFileSync(folder, 'not a folder');
    const refused = store.open();
    await expect(refused).rejects.toThrow(StartError);
    await expect(refused).rejects.toThrow(/^DATA_DIR: .* can't be used: /);
  });

  it('refuses every call before it is open', async () => {
    const { pool } = createEmbeddedStore('/never-opened');
    await expect(pool.query('SELECT 1')).rejects.toThrow('the embedded store is not open');
    await expect(pool.connect()).rejects.toThrow('the embedded store is not open');
  });

  it.skipIf(process.platform === 'win32')(
    'is closed to other users with all files in it, whatever the umask',
    async () => {
      const umask = process.umask(0);
      onTestFinished(() => void process.umask(umask));
      const { folder, store } = await newStoreForTest();
      await store.open();
      await store.pool.query('CREATE TABLE secrets (id int); INSERT INTO secrets VALUES (1)');
      await store.pool.query('SELECT pg_switch_wal()');
      await store.pool.query('INSERT INTO secrets VALUES (2)');
      await store.pool.query('CHECKPOINT');
      const open = ['.', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })]
        .map((name) => ({ name, mode: statSync(join(folder, name)).mode & 0o777 }))
        .filter(({ mode }) => (mode & 0o077) !== 0);
      expect(open).toEqual([]);
    },
  );

  it.skipIf(process.platform === 'win32').each(['701', '710', '740', '777'])(
    'is refused with mode %s, in which others may enter or read it',
    async (mode) => {
      const { folder, store } = await newStoreForTest();
      chmodSync(folder, Number.parseInt(mode, 8));
      const refused = store.open();
      await expect(refused).rejects.toThrow(StartError);
      await expect(refused).rejects.toThrow(/^DATA_DIR: other users may enter .*; run chmod -R go= .*\/data, or set/);
      chmodSync(folder, 0o700);
      await store.open();
    },
  );

  it.runIf(process.platform === 'linux')('has all that was committed after a power cut', async () => {
    const { folder, store } = await newStoreForTest();
    const disk = `${folder}-disk`;
    await store.open();
    cpSync(folder, disk, { recursive: true });
    chmodSync(disk, 0o700);
    rmSync(join(disk, 'lock'));
    keepOnlySynced(folder, disk);
    await store.pool.query('CREATE TABLE kept (id int)');
    for (let id = 1; id <= 30; id += 1) {
      await store.pool.query('INSERT INTO kept VALUES ($1)', [id]);
      if (id === 10) await store.pool.query('CHECKPOINT');
      if (id === 20) await store.pool.query('SELECT pg_switch_wal()');
    }
    const after = createEmbeddedStore(disk);
    onTestFinished(() => after.close());
    await after.open();
    const { rows } = await after.pool.query<{ count: number }>('SELECT count(*)::integer AS count FROM kept');
    expect(rows).toEqual([{ count: 30 }]);
  });

  it.runIf(process.platform === 'linux')(
    'writes what is committed at a time to the disk at once, before any reply',
    async () => {
      const { folder, store } = await newStoreForTest();
      const disk = `${folder}-disk`;
      await store.open();
      await store.pool.query('CREATE TABLE kept (id int)');
      cpSync(folder, disk, { recursive: true });
      chmodSync(disk, 0o700);
      rmSync(join(disk, 'lock'));
      const syncs = keepOnlySynced(folder, disk);
      const [inTransaction, ...others] = await Promise.all(Array.from({ length: 5 }, () => store.pool.connect()));
      assert(inTransaction);
      await inTransaction.query('BEGIN');
      await inTransaction.query('INSERT INTO kept VALUES (0)');
      expect(syncs()).toBe(0);
      const commit = inTransaction.query('COMMIT');
      const writers = [...others, store.pool];
      const written = Array.from({ length: 30 }, (_, index) =>
        writers[index % writers.length]?.query('INSERT INTO kept VALUES ($1)', [index + 1]),
      );
      const read = store.pool.read<{ count: number }>('SELECT count(*)::integer AS count FROM kept');
      expect((await read).rows).toEqual([{ count: 31 }]);
      // What was read is on the disk too.
      expect(syncs()).toBeGreaterThan(0);
      await Promise.all([commit, ...written]);
      expect(syncs()).toBeLessThan(5);
      const after = createEmbeddedStore(disk);
      onTestFinished(() => after.close());
      await after.open();
      const { rows } = await after.pool.query<{ count: number }>('SELECT count(*)::integer AS count FROM kept');
      expect(rows).toEqual([{ count: 31 }]);
    },
  );

  it('does not grow while many rows come and go', async () => {
    const { folder, store } = await newStoreForTest();
    await store.open();
    await store.pool.query('CREATE TABLE passing (id int PRIMARY KEY, text text)');
    const sizes: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      await store.pool.query(`INSERT INTO passing SELECT id, repeat('a', 500) FROM generate_series(1, 5000) AS id`);
      await store.pool.query('DELETE FROM passing');
      // PostgreSQL counts what was deleted a moment later.
      await store.pool.query('SELECT pg_stat_force_next_flush()');
      await tidy(store.pool);
      sizes.push(sizeOf(join(folder, 'postgres', 'base')));
      expect(sizeOf(join(folder, 'postgres', 'pg_wal'))).toBeLessThan(30_000_000);
    }
    expect((sizes.at(-1) ?? 0) - (sizes[0] ?? 0)).toBeLessThan(1_000_000);
  });
});

/** Keeps in another folder what a disk would have of this one after a power cut: only what was synced. */
function keepOnlySynced(folder: string, disk: string): () => number {
  let syncs = 0;
  const copy = (descriptor: number): void => {
    const path = readlinkSync(`/proc/self/fd/${descriptor}`);
    if (!`${path}/`.startsWith(`${folder}/`)) return;
    syncs += 1;
    const copied = disk + path.slice(folder.length);
    if (!statSync(path).isDirectory()) return copyFileSync(path, copied);
    const [now, before] = [readdirSync(path), readdirSync(copied)];
    for (const name of now) if (!before.includes(name)) writeFileSync(join(copied, name), '');
    for (const name of before) if (!now.includes(name)) rmSync(join(copied, name), { recursive: true });
  };
  const { fsyncSync, fdatasyncSync } = fs;
  const thenCopy = (sync: (descriptor: number) => void) => (descriptor: number) => {
    sync(descriptor);
    copy(descriptor);
  };
  Object.assign(fs, { fsyncSync: thenCopy(fsyncSync), fdatasyncSync: thenCopy(fdatasyncSync) });
  syncBuiltinESMExports();
  onTestFinished(() => {
    Object.assign(fs, { fsyncSync, fdatasyncSync });
    syncBuiltinESMExports();
  });
  return () => syncs;
}

function sizeOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}
