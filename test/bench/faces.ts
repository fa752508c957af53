import type { Contender } from './contenders.ts';
import type { LoadRequest, LoadResult } from './load/load-spec.ts';
import { load } from './load/load-spec.ts';
import type { BenchOptions } from './options.ts';
import { startProcess } from './processes.ts';
import { FACES, PENDING_INPUT, expectRefusal, submission, submitOne, waitUntilDone } from './requests.ts';
import type { Sample } from './samples.ts';
import type { Stores } from './stores.ts';
import { HALF_LOAD } from './targets.ts';

/** One turn of one contender: polls of a pending and of a done job, then submissions, on emptied stores. */
export function measureFace(contender: Contender, stores: Stores, options: BenchOptions): Promise<Sample[]> {
  const { name, face, command } = contender;
  const { seconds, connections } = options;
  const shape = { seconds, warmUpSeconds: Math.min(seconds, 3) };
  return stores.withEmpty(async (settings) => {
    const server = await startProcess(command, { ...settings, ...contender.settings });
    const { url = '' } = server;
    const samples: Sample[] = [];
    const measure = async (path: string, request: LoadRequest, perSecond?: number): Promise<LoadResult> => {
      const figures = await load({
        url,
        connections,
        requests: [request],
        shape: perSecond === undefined ? { kind: 'saturate', ...shape } : { kind: 'pace', ...shape, perSecond },
      });
      samples.push({ path, name, figures });
      return figures;
    };
    try {
      await expectRefusal(url, face);
      if (options.only.includes('poll')) {
        const done = await submitOne(url, face);
        await withWorker(contender, settings, () => waitUntilDone(url, face, done));
        const pending = await submitOne(url, face, PENDING_INPUT);
        await measure('poll, pending', FACES[face].poll(pending, 'pending'));
        await measure('poll, done', FACES[face].poll(done, 'done'));
      }
      if (options.only.includes('submit')) {
        const submitAll = async (): Promise<void> => {
          const { perSecond } = await measure('submit', submission(face));
          await measure(HALF_LOAD, submission(face), perSecond / 2);
        };
        await (options.worker ? withWorker(contender, settings, submitAll) : submitAll());
      }
      return samples;
    } finally {
      await server.end();
    }
  });
}

async function withWorker(
  { worker }: Contender,
  settings: Readonly<Record<string, string>>,
  use: () => Promise<void>,
): Promise<void> {
  if (worker === undefined) return use();
  const running = await startProcess(worker.command, { ...settings, ...worker.settings });
  try {
    await use();
  } finally {
    await running.end();
  }
}
