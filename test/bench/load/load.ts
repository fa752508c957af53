import { readFileSync } from 'node:fs';
import { saturateByAutocannon } from './autocannon.ts';
import { type LoadResult, type LoadSpec, loadSpecSchema } from './load-spec.ts';
import { pace } from './pace.ts';
import { saturate } from './saturate.ts';

const STDIN = 0;

function run({ shape, ...target }: LoadSpec): Promise<LoadResult> {
  switch (shape.kind) {
    case 'amount':
      // wrk can't count.
      return saturateByAutocannon(target, { amount: shape.amount });
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
  await once(warmUpSeconds);
  return once(seconds);
}

const result = await run(loadSpecSchema.parse(JSON.parse(readFileSync(STDIN, 'utf8'))));
process.stdout.write(JSON.stringify(result));
