import { type LoadResult, type LoadSpec, loadSpecSchema } from './load-spec.ts';
import { pace } from './pace.ts';
import { saturate } from './saturate.ts';

function run({ shape, ...target }: LoadSpec): Promise<LoadResult> {
  switch (shape.kind) {
    case 'amount':
      return saturate(target, { amount: shape.amount });
    case 'saturate':
      return warmed(shape, (duration) => saturate(target, { duration }));
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

const result = await run(loadSpecSchema.parse(JSON.parse(process.argv[2] ?? '')));
process.stdout.write(JSON.stringify(result));
