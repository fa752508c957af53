import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { CONTENDERS } from './contenders.ts';
import { SIZES } from './targets.ts';

/** What can be measured; the last three take long, so they are measured only when asked for. */
export const MEASURES = ['poll', 'submit', 'push', 'worker', 'start', 'growth', 'watchers', 'processes'] as const;
export type Measure = (typeof MEASURES)[number];

const names = CONTENDERS.map(({ name }) => name);

const WATCHER_COUNTS = [1, 100, 10_000];

const USAGE = `npm run bench -- [growth watchers processes] [options]
  --only poll,submit         of ${MEASURES.join(', ')}; all but the last three unless told
  --contenders yoga,express  of ${names.join(', ')}; all unless told
  --rounds 5                 each contender's turns, one after the other
  --seconds 5                of each load, after as long a warm-up, but for 3 s at most
  --connections 50           of each load
  --worker                   with a bare worker beside each contender while jobs are submitted
  --sizes 1000,10000         jobs in the store, for growth; ${SIZES.join(', ')} unless told
  --watchers 1,100           for watchers; ${WATCHER_COUNTS.join(', ')} unless told
  --plots docs               writes charts of growth, watchers and processes to this folder
  --json path                where the figures go; the table goes beside them as .md
`;

const list = <const Name extends string>(allowed: readonly Name[]) =>
  z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(allowed)));

/** Whole numbers from the lowest up. */
const numbers = (minimum: number, maximum: number) =>
  z
    .string()
    .transform((text) => text.split(',').map(Number))
    .pipe(z.array(z.int().min(minimum).max(maximum)))
    .transform((values) => values.toSorted((a, b) => a - b));

const optionsSchema = z.object({
  only: list(MEASURES).default(['poll', 'submit', 'push', 'worker', 'start']),
  contenders: list(names).default(names),
  rounds: z.coerce.number().int().min(1).max(50).default(5),
  seconds: z.coerce.number().int().min(1).max(120).default(5),
  connections: z.coerce.number().int().min(1).max(1000).default(50),
  sizes: numbers(1000, 10_000_000).default([...SIZES]),
  watchers: numbers(1, 15_000).default(WATCHER_COUNTS),
  plots: z.string().min(1).exactOptional(),
  worker: z.boolean().default(false),
  json: z
    .string()
    .regex(/\.json$/, 'expected a path that ends with .json')
    .default(join(import.meta.dirname, 'results/bench.json')),
});

export type BenchOptions = z.output<typeof optionsSchema>;

/** Reads the command line; what can't be read ends the process with what can be said. */
export function readOptions(): BenchOptions {
  try {
    const text = { type: 'string' } as const;
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        only: text,
        contenders: text,
        rounds: text,
        seconds: text,
        connections: text,
        sizes: text,
        watchers: text,
        plots: text,
        json: text,
        worker: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
    if (values.help) {
      process.stdout.write(USAGE);
      process.exit(0);
    }
    return optionsSchema.parse(positionals.length > 0 ? { ...values, only: positionals.join(',') } : values);
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    process.stderr.write(`${reason}\n\n${USAGE}`);
    process.exit(2);
  }
}
