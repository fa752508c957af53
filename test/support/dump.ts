import { Redis } from 'ioredis';
import { expect } from 'vitest';
import { z } from 'zod';
import { openPool } from './postgres.ts';
import type { TestQueue } from './queue.ts';

/** All that a store holds: a text for each key or row. */
export async function dumpStore(test: Pick<TestQueue, 'url' | 'embedded'>): Promise<string[]> {
  return test.url?.startsWith('redis') ? dumpRedis(test.url) : dumpPostgres(test);
}

/** Every table of every schema, a row each. */
async function dumpPostgres({ url, embedded }: Pick<TestQueue, 'url' | 'embedded'>): Promise<string[]> {
  const pool = url === undefined ? undefined : openPool(url, { max: 1 });
  const query = (text: string): Promise<{ rows: unknown[] }> => pool?.query(text) ?? embedded.pool.query(text);
  const tables = await query(
    "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
  );
  const values: string[] = [];
  for (const { name } of z.array(z.object({ name: z.string() })).parse(tables.rows)) {
    const { rows } = await query(`SELECT line::text AS text FROM ${name} AS line`);
    values.push(
      ...z
        .array(z.object({ text: z.string() }))
        .parse(rows)
        .map(({ text }) => `${name} ${text}`),
    );
  }
  await pool?.end();
  return values;
}

/** Every key with its value. */
async function dumpRedis(url: string): Promise<string[]> {
  const admin = new Redis(url);
  const read = async (key: string): Promise<unknown> => {
    switch (await admin.type(key)) {
      case 'string':
        return admin.get(key);
      case 'hash':
        return admin.hgetall(key);
      case 'list':
        return admin.lrange(key, 0, -1);
      case 'set':
        return admin.smembers(key);
      case 'zset':
        return admin.zrange(key, '0', '-1');
      case 'stream':
        return admin.xrange(key, '-', '+');
      case 'none':
        return undefined;
      default:
        return expect.fail(`the test does not know what type ${key} has`);
    }
  };
  try {
    const keys = await admin.keys('*');
    return await Promise.all(keys.map(async (key) => `${key} ${JSON.stringify(await read(key))}`));
  } finally {
    admin.disconnect();
  }
}
