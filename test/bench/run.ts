import { copiesWithEmptyJob } from './contenders.ts';
import { measureApis } from './measures/api.ts';
import { measureGrowth } from './measures/growth.ts';
import type { Bench } from './measures/measure.ts';
import { measureOutput } from './measures/output.ts';
import { measureOverload } from './measures/overload.ts';
import { measureProcesses } from './measures/processes.ts';
import { measurePush } from './measures/push.ts';
import { measureStart } from './measures/start.ts';
import { measureTraces } from './measures/traces.ts';
import { measureWatchers } from './measures/watchers.ts';
import { measureWorkers } from './measures/worker.ts';
import { type Measure, readOptions } from './options.ts';
import { describeMachine } from './report/machine.ts';
import { writeReport } from './report/report.ts';
import type { Sample } from './report/samples.ts';
import { startStores } from './stores.ts';

type Measurement = readonly [of: readonly Measure[], run: (bench: Bench) => Promise<void>];

const IN_ROUNDS: readonly Measurement[] = [
  [['poll', 'submit'], measureApis],
  [['push'], measurePush],
  [['worker'], measureWorkers],
  [['start'], measureStart],
  [['traces'], measureTraces],
];
const ONCE: readonly Measurement[] = [
  [['growth'], measureGrowth],
  [['watchers'], measureWatchers],
  [['processes'], measureProcesses],
  [['overload'], measureOverload],
  [['output'], measureOutput],
];

/** Runs the measures and prints the report. Returns the exit code. */
export async function runBench(): Promise<number> {
  const options = readOptions();
  const startedAt = new Date().toISOString();
  const stores = await startStores();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void stores.stop().finally(() => process.exit(1)));
  const machine = describeMachine(stores.versions);
  const copies = copiesWithEmptyJob(options.against);
  process.once('exit', () => copies.forEach(({ remove }) => remove()));
  const samples: Sample[] = [];
  const failures: string[] = [];

  const bench = (round: number): Bench => ({
    stores,
    options,
    round,
    copies,
    recorder: {
      add(sample) {
        samples.push(sample);
        const figures = Object.entries(sample.figures).map(([metric, value]) => `${metric} ${value.toFixed(1)}`);
        process.stderr.write(`${sample.path} ${sample.pair}: ${sample.name}: ${figures.join(', ')}\n`);
      },
      async attempt(what, run) {
        try {
          return await run();
        } catch (error) {
          const failure = `round ${round}: ${what}: ${error instanceof Error ? error.message : String(error)}`;
          failures.push(failure);
          process.stderr.write(`${failure}\n`);
          return undefined;
        }
      },
    },
  });
  const run = async (measurements: readonly Measurement[], round: number): Promise<void> => {
    const { recorder } = bench(round);
    for (const [of, measure] of measurements)
      if (of.some((name) => options.only.includes(name)))
        await recorder.attempt(of.join(' and '), () => measure(bench(round)));
  };

  try {
    for (let round = 1; round <= options.rounds; round += 1) await run(IN_ROUNDS, round);
    await run(ONCE, 1);
  } finally {
    await stores.stop();
  }
  process.stdout.write(writeReport({ startedAt, options, machine, samples, failures }));
  return failures.length > 0 ? 1 : 0;
}
