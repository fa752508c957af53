import { PgBoss } from 'pg-boss';
import { setting } from './serve.ts';

export const QUEUE = 'customer';

/** Starts pg-boss and creates its tables and its queue. */
export async function startBoss(): Promise<PgBoss> {
  const boss = new PgBoss(setting('DATABASE_URL'));
  boss.on('error', (error) => process.stderr.write(`${String(error)}\n`));
  await boss.start();
  await boss.createQueue(QUEUE);
  return boss;
}
