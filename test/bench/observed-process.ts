import { join } from 'node:path';
import { z } from 'zod';
import { type RunningProcess, startProcess } from './processes.ts';

const PROBE = join(import.meta.dirname, 'memory-probe.ts');

/** In bytes. */
const memorySchema = z.object({ rss: z.number(), heapUsed: z.number() });

/** A process that tells its memory. */
export interface ObservedProcess extends RunningProcess {
  memory(): Promise<z.output<typeof memorySchema>>;
}

export async function startObserved(
  command: readonly string[],
  settings: Readonly<Record<string, string>>,
): Promise<ObservedProcess> {
  const started = await startProcess(['--expose-gc', '--import', PROBE, ...command], settings);
  return { ...started, memory: async () => memorySchema.parse(await started.ask()) };
}
