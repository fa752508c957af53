import { describe, expect, it, onTestFinished } from 'vitest';
import { scripted, setUpQueue } from '../support/queue.ts';
import { openPool } from '../support/postgres.ts';

const TABLES = `SELECT schemaname AS schema, tablename AS name FROM pg_tables WHERE schemaname IN ('bullmq', 'accepted_queue')`;

describe("a job's result on PostgreSQL", () => {
  const plain = scripted('plain');
  const test = setUpQueue('postgres', [plain]);

  it('is nowhere in the tables once the job has expired', async () => {
    const database = openPool(test.url, { max: 1 });
    onTestFinished(() => database.end());
    const result = 'the-result-of-this-job';
    const tablesWithResult = async (): Promise<string[]> => {
      const { rows: tables } = await database.query<{ schema: string; name: string }>(TABLES);
      const found: string[] = [];
      for (const { schema, name } of tables) {
        const text = `SELECT 1 FROM ${schema}.${name} AS line WHERE line::text LIKE '%' || $1 || '%'`;
        if ((await database.query(text, [result])).rows.length > 0) found.push(name);
      }
      return found.toSorted();
    };
    plain.runs(async () => ({ text: result }));
    test.work();
    const done = await test.finish(await test.add(plain));
    expect(done).toMatchObject({ status: 'Succeeded', result: { text: result } });
    // BullMQ's event of the end has it too.
    expect(await tablesWithResult()).toEqual(['event', 'job']);

    expect(await test.backend.removeFinished('plain', done.finishedAt.getTime() - 1)).toBe(0);
    expect(await tablesWithResult()).toEqual(['event', 'job']);
    // BullMQ dates an event after the end of its job.
    expect(await test.backend.removeFinished('plain', done.finishedAt.getTime() + 60_000)).toBe(1);
    expect(await tablesWithResult()).toEqual([]);
  });
});
