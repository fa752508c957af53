import { readFileSync } from 'node:fs';
import { cpuSeconds } from '../cpu-time.ts';
import { type LoadResult, type LoadSpec, loadSpecSchema } from './load-spec.ts';
import { pace } from './pace.ts';
import { saturate } from './saturate.ts';

const STDIN = 0;

function run({ shape, ...target }: LoadSpec): Promise<LoadResult> {
  switch (shape.kind) {
    case 'saturate':
      return warmed(shape, (seconds) => saturate(target, seconds));
    case 'pace':
      return warmed(shape, (seconds) => pace(target, shape.perSecond, seconds));
  }
}

async function warmed(
  { warmUpSeconds, seconds }: { readonly warmUpSeconds: number; readonly seconds: number },
  once: (seconds: number) => Promise<LoadResult>,
): Promise<LoadResult> {
  if (warmUpSeconds > 0) await once(warmUpSeconds);
  const before = cpuSeconds('self');
  const result = await once(seconds);
  const after = cpuSeconds('self');
  if (before === undefined || after === undefined) return result;
  return { ...result, loadCpu: ((after - before) * 1e6) / (result.perSecond * seconds) };
}

const result = await run(loadSpecSchema.parse(JSON.parse(readFileSync(STDIN, 'utf8'))));
process.stdout.write(JSON.stringify(result));
