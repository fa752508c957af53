import { ACCEPTED_ALL } from '../contenders.ts';
import type { LoadRequest } from '../driver/connection.ts';
import { type Settings, startProgram } from '../program.ts';
import { expectReply, submitOne } from '../requests.ts';
import type { Bench } from './measure.ts';

const HEALTH: LoadRequest = { method: 'GET', path: '/health/live', statuses: [200], contains: '' };

/** One round, from the start of the process: on an empty folder with the embedded store, on that folder again, and on Redis. */
export function measureStart({ stores, recorder, round }: Bench): Promise<void> {
  return stores.withEmpty(async ({ DATA_DIR = '', ...remote }) => {
    const measure = async (name: string, settings: Settings): Promise<void> => {
      const started = performance.now();
      const add = (path: string): void =>
        recorder.add({ path, name, pair: String(round), figures: { ms: performance.now() - started } });
      const { url, end } = await startProgram(ACCEPTED_ALL, settings);
      try {
        await expectReply(url, HEALTH);
        add('start: first reply of the health check');
        await submitOne(url, 'rest');
        add('start: first submission accepted');
      } finally {
        await end();
      }
    };
    await measure('embedded, first', { DATA_DIR });
    await measure('embedded, next', { DATA_DIR });
    await measure('redis', { DATA_DIR, ...remote });
  });
}
