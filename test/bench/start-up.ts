import { join } from 'node:path';
import { startProcess } from './processes.ts';
import { expectReply, submitOne } from './requests.ts';
import type { LoadRequest } from './load/load-spec.ts';
import type { Sample } from './samples.ts';
import type { Stores } from './stores.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const HEALTH: LoadRequest = { method: 'GET', path: '/health/live', statuses: [200], contains: '' };
/** From the start of the process, which is asked as soon as it says that it is ready. */
const PATHS = {
  reply: 'start: until health is answered',
  submission: 'start: until the first submission is accepted',
};

/** One turn: embedded on an empty folder, embedded again, and on Redis. */
export function measureStart(stores: Stores): Promise<Sample[]> {
  return stores.withEmpty(async ({ DATA_DIR = '', ...remote }) => {
    const samples: Sample[] = [];
    const measure = async (name: string, settings: Readonly<Record<string, string>>): Promise<void> => {
      const started = performance.now();
      const server = await startProcess([MAIN, 'all'], settings);
      const { url = '' } = server;
      const keep = (path: string): unknown =>
        samples.push({ path, name, figures: { ms: performance.now() - started } });
      try {
        await expectReply(url, HEALTH);
        keep(PATHS.reply);
        await submitOne(url, 'rest');
        keep(PATHS.submission);
      } finally {
        await server.end();
      }
    };
    await measure('embedded, first', { DATA_DIR });
    await measure('embedded, next', { DATA_DIR });
    await measure('redis', { DATA_DIR, ...remote });
    return samples;
  });
}
