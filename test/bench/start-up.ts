import { join } from 'node:path';
import { startProcess } from './processes.ts';
import { submitOne } from './requests.ts';
import type { Sample } from './samples.ts';
import type { Stores } from './stores.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const PATH = 'start: from the process to the first submission that is accepted';

/** One turn: embedded on an empty folder, embedded again, and on Redis. */
export function measureStart(stores: Stores): Promise<Sample[]> {
  return stores.withEmpty(async ({ DATA_DIR = '', ...remote }) => {
    const timed = async (name: string, settings: Readonly<Record<string, string>>): Promise<Sample> => {
      const started = performance.now();
      const server = await startProcess([MAIN, 'all'], settings);
      try {
        await submitOne(server.url ?? '', 'rest');
        return { path: PATH, name, figures: { ms: performance.now() - started } };
      } finally {
        await server.end();
      }
    };
    return [
      await timed('embedded, first', { DATA_DIR }),
      await timed('embedded, next', { DATA_DIR }),
      await timed('redis', { DATA_DIR, ...remote }),
    ];
  });
}
