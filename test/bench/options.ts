import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { contenders } from './contenders.ts';
import { SIZES } from './report/targets.ts';

export const MEASURES = [
  'poll',
  'submit',
  'push',
  'worker',
  'start',
  'growth',
  'watchers',
  'processes',
  'overload',
  'output',
  'traces',
] as const;
export type Measure = (typeof MEASURES)[number];

const SHORT: readonly Measure[] = ['poll', 'submit', 'push', 'worker', 'start'];
const NAMES = contenders(undefined).map(({ name }) => name);
/** Of a comparison with another commit. */
const COMPARED = ['node-http', 'accepted-graphql', 'accepted-rest'];
const WATCHER_COUNTS = [1, 100, 10_000];

const USAGE = `npm run bench -- [measures] [options]
  --only poll,submit         the measures: ${MEASURES.join(', ')}
                             default: ${SHORT.join(', ')}; the others take long
  --contenders yoga,express  of ${NAMES.join(', ')}
                             default: all; with --against ${COMPARED.join(', ')}
  --against DIR              also measure the checkout of another commit in DIR, with its node_modules, as "before"
  --rounds 3                 each with new processes and empty stores
  --turns 5                  loads of each contender in a round; the contenders alternate
  --seconds 1                duration of each load
  --connections 50           of each load
  --jobs 60000               for worker, and a quarter of them at concurrency 1
  --sizes 1000,10000         jobs in the store, for growth; default: ${SIZES.join(', ')}
  --watchers 1,100           for watchers; default: ${WATCHER_COUNTS.join(', ')}
  --overload 5               the load of overload, as a multiple of the capacity
  --plots docs               write charts of growth, watchers and processes to this folder
  --json path                where to write the figures; the table goes beside them as .md
`;

const list = <const Name extends string>(allowed: readonly Name[]) =>
  z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(allowed)));

/** Ascending whole numbers. */
const numbers = (minimum: number, maximum: number) =>
  z
    .string()
    .transform((text) => text.split(',').map(Number))
    .pipe(z.array(z.int().min(minimum).max(maximum)))
    .transform((values) => values.toSorted((a, b) => a - b));

const whole = (maximum: number, standard: number) => z.coerce.number().int().min(1).max(maximum).default(standard);

const optionsSchema = z
  .object({
    only: list(MEASURES).default([...SHORT]),
    contenders: list(NAMES).optional(),
    against: z
      .string()
      .transform((folder) => resolve(process.env['INIT_CWD'] ?? '.', folder))
      .refine((folder) => existsSync(join(folder, 'src/main.ts')), 'expected a checkout that has src/main.ts')
      .refine((folder) => existsSync(join(folder, 'node_modules')), 'run npm ci in that checkout first')
      .optional(),
    rounds: whole(50, 3),
    turns: whole(50, 5),
    seconds: z.coerce.number().min(0.1).max(120).default(1),
    connections: whole(1000, 50),
    jobs: whole(1_000_000, 60_000),
    sizes: numbers(1000, 10_000_000).default([...SIZES]),
    watchers: numbers(1, 15_000).default(WATCHER_COUNTS),
    overload: whole(100, 5),
    plots: z.string().min(1).optional(),
    json: z
      .string()
      .regex(/\.json$/, 'expected a path that ends with .json')
      .default(join(import.meta.dirname, 'results/bench.json')),
  })
  .transform((options) => {
    const names = options.contenders ?? (options.against === undefined ? NAMES : COMPARED);
    const chosen = contenders(options.against).filter(({ name }) =>
      names.includes(name.replace('before-', 'accepted-')),
    );
    return { ...options, contenders: chosen };
  });

export type BenchOptions = z.output<typeof optionsSchema>;

/** Reads the command line; one that is not valid ends the process. */
export function readOptions(): BenchOptions {
  try {
    const text = { type: 'string' } as const;
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        only: text,
        contenders: text,
        against: text,
        rounds: text,
        turns: text,
        seconds: text,
        connections: text,
        jobs: text,
        sizes: text,
        watchers: text,
        overload: text,
        plots: text,
        json: text,
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
