/** A program that fills the disk of its embedded store until that breaks, makes room, and fails unless everything that was stored is there. */
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createEmbeddedStore } from '../../src/stores/embedded-store.ts';

const FREE_BYTES = 6_000_000;
const ROWS = 250;
const MAX_STATEMENTS = 1000;
const OPENED_WITHIN_MS = 20_000;

const folder = process.env['DATA_DIR'] ?? '';
const filler = join(folder, '../filler');
const store = createEmbeddedStore(folder);
await store.open();
const { pool } = store;
const listener = await pool.connect();
let heard = '';
listener.on('notification', ({ payload }) => (heard = payload));
await listener.query('LISTEN filled');
await pool.query('CREATE TABLE filled (id text PRIMARY KEY, text text NOT NULL)');
const { bavail, bsize } = statfsSync(folder);
writeFileSync(filler, Buffer.alloc(bavail * bsize - FREE_BYTES));

let stored = 0;
let broke = false;
for (let count = 0; !broke && count < MAX_STATEMENTS; count += 1) {
  const ids = Array.from({ length: ROWS }, () => crypto.randomUUID());
  try {
    await pool.query('INSERT INTO filled SELECT id, repeat(id, 5) FROM unnest($1::text[]) AS id RETURNING id', [ids]);
    stored += ROWS;
  } catch (error) {
    broke = error instanceof Error && 'code' in error && error.code === '57P02';
  }
}
if (!broke) throw new Error('the store did not break');
rmSync(filler);

/** Repeats a statement for as long as the store is not open again. */
async function readAgain(): Promise<number> {
  const deadline = Date.now() + OPENED_WITHIN_MS;
  for (;;) {
    try {
      const { rows } = await pool.query<{ count: number }>('SELECT count(*)::int AS count FROM filled');
      return rows[0]?.count ?? 0;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(100);
    }
  }
}
const found = await readAgain();
if (found !== stored) throw new Error(`${found} rows are there of ${stored}`);
await pool.query("NOTIFY filled, 'again'");
if (heard !== 'again') throw new Error('the listener hears nothing any more');
await store.close();
process.exit(0);
