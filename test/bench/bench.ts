import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CONTENDERS } from './contenders.ts';
import { measureFace } from './faces.ts';
import { measureGrowth } from './growth.ts';
import { describeMachine } from './machine.ts';
import { type Measure, readOptions } from './options.ts';
import { copyWithEmptyJob } from './project.ts';
import { measureProcesses } from './process-scaling.ts';
import { measurePush } from './push.ts';
import { writeReport } from './report.ts';
import type { Sample } from './samples.ts';
import { measureStart } from './start-up.ts';
import { startStores } from './stores.ts';
import { WORKER_CONCURRENCIES } from './targets.ts';
import { measureWatchers } from './watchers.ts';
import { measureWorkers } from './worker-speed.ts';

/** The contenders' packages are no part of the product's own install. */
function install(): void {
  if (existsSync(join(import.meta.dirname, 'node_modules'))) return;
  execFileSync('npm', ['ci'], { cwd: import.meta.dirname, stdio: 'inherit' });
}

const options = readOptions();
install();
const startedAt = new Date().toISOString();
const stores = await startStores();
// Ended by a signal, it ends what it started.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void stores.stop().finally(() => process.exit(1)));
const machine = describeMachine(stores.versions);
const project = copyWithEmptyJob();
process.once('exit', project.remove);
const samples: Sample[] = [];
const failures: string[] = [];

/** A turn that fails is told, and the others go on. */
async function take(turn: string, measure: () => Promise<Sample[]>): Promise<void> {
  try {
    const taken = await measure();
    samples.push(...taken);
    for (const { path, name, figures } of taken) {
      const text = Object.entries(figures).map(([metric, value]) => `${metric} ${value.toFixed(1)}`);
      process.stderr.write(`${turn}: ${path}, ${name}: ${text.join(', ')}\n`);
    }
  } catch (error) {
    failures.push(`${turn}: ${error instanceof Error ? error.message : String(error)}`);
    process.stderr.write(`${failures.at(-1)}\n`);
  }
}

const wants = (measure: Measure): boolean => options.only.includes(measure);

try {
  for (let round = 1; round <= options.rounds; round += 1) {
    const turn = `${round} of ${options.rounds}`;
    for (const contender of CONTENDERS) {
      if (!options.contenders.includes(contender.name) || !(wants('poll') || wants('submit'))) continue;
      await take(`${turn}, ${contender.name}`, () => measureFace(contender, stores, options));
    }
    if (wants('push')) await take(`${turn}, push`, () => measurePush(stores, project));
    for (const concurrency of wants('worker') ? WORKER_CONCURRENCIES : [])
      await take(`${turn}, worker`, () => measureWorkers(concurrency, stores, project));
    if (wants('start')) await take(`${turn}, start`, () => measureStart(stores));
  }
  if (wants('growth')) await take('growth', () => measureGrowth(stores, options));
  if (wants('watchers')) await take('watchers', () => measureWatchers(stores, options));
  if (wants('processes')) await take('processes', () => measureProcesses(stores, options));
} finally {
  await stores.stop();
}
process.stdout.write(writeReport({ startedAt, options, machine, samples, failures }));
process.exitCode = failures.length > 0 ? 1 : 0;
