import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startSharedServers } from '../support/global-setup.ts';
import { KNOWN_MUTANTS } from './known-mutants.ts';
import { type Mutant, findMutants } from './mutants.ts';

const USAGE = `npm run test:mutation -- [options]

  --folder core   of core, queue and graphql, only these (may be repeated)
  --sample 200    so many mutants, chosen at random (default 200)
  --seed 1        the same seed chooses the same mutants
  --minutes 60    ends after this time, with the score so far
  --tests 6       test files with servers that a mutant is run against, at most
  --known         replays the mutants of known-mutants.ts, which must all be killed
`;
const SECONDS_FOR_A_MUTANT = 120;
const VITEST = ['--config', 'test/mutation/vitest.config.ts', '--reporter=dot', '--passWithNoTests'];

interface PlacedMutant extends Mutant {
  readonly file: string;
}

const { values } = parseArgs({
  options: {
    folder: { type: 'string', multiple: true, default: ['core', 'queue', 'graphql'] },
    sample: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '60' },
    tests: { type: 'string', default: '6' },
    known: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) process.stdout.write(USAGE);
else await main();

async function main(): Promise<void> {
  const servers = await startSharedServers();
  try {
    const environment = { SHARED_SERVERS: JSON.stringify(servers.provided) };
    process.exitCode = values.known ? await replayKnown(environment) : await runSample(environment);
  } finally {
    await servers.stop();
  }
}

/** Runs test files against a mutant. Killed: a test failed or timed out. */
async function isKilled(
  mutant: Pick<PlacedMutant, 'file' | 'start' | 'end' | 'text'>,
  tests: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<boolean> {
  return (await runVitest(['--bail=1', ...tests], { ...environment, MUTANT: JSON.stringify(mutant) })) !== 0;
}

/** Resolves to the exit code, or null after a timeout. */
async function runVitest(
  tests: readonly string[],
  environment: Readonly<Record<string, string>>,
  seconds = SECONDS_FOR_A_MUTANT,
): Promise<number | null> {
  const child = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...VITEST, ...tests], {
    env: { ...process.env, ...environment },
    stdio: 'ignore',
    // A process group of its own, so that an endless loop is killed with its children.
    detached: true,
  });
  const timer = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, 'SIGKILL'), seconds * 1000);
  const code = await new Promise<number | null>((resolve) => void child.once('exit', resolve));
  clearTimeout(timer);
  return code;
}

async function replayKnown(environment: Readonly<Record<string, string>>): Promise<number> {
  const survivors: string[] = [];
  for (const { name, file, search, replacement, tests } of KNOWN_MUTANTS) {
    const source = readFileSync(file, 'utf8');
    const start = source.indexOf(search);
    if (start === -1 || source.includes(search, start + 1))
      throw new Error(`${name}: ${file} does not contain this once: ${search}`);
    if ((await runVitest([...tests], environment, 600)) !== 0) throw new Error(`${name}: its tests fail without it`);
    const killed = await isKilled({ file, start, end: start + search.length, text: replacement }, tests, environment);
    process.stdout.write(`${killed ? 'killed  ' : 'SURVIVED'} ${name}\n`);
    if (!killed) survivors.push(name);
  }
  return survivors.length === 0 ? 0 : 1;
}

async function runSample(environment: Readonly<Record<string, string>>): Promise<number> {
  const until = Date.now() + Number(values.minutes) * 60_000;
  process.stdout.write('Finding which test files reach which code …\n');
  const reachedBy = await findReached(environment);
  const files = globSync(values.folder.map((folder) => `src/${folder}/**/*.ts`)).toSorted();
  const all = files.flatMap((file) =>
    findMutants(file, readFileSync(file, 'utf8')).map((mutant) => Object.assign(mutant, { file })),
  );
  const sample = shuffle(all, Number(values.seed)).slice(0, Number(values.sample));
  const score = new Map<string, { killed: number; survived: number; unreached: number }>();
  const survivors: string[] = [];
  for (const mutant of sample) {
    if (Date.now() > until) break;
    const folder = mutant.file.split('/').slice(0, 2).join('/');
    const counts = score.get(folder) ?? { killed: 0, survived: 0, unreached: 0 };
    score.set(folder, counts);
    const tests = reachedBy.get(`${mutant.file}:${mutant.start}-${mutant.end}`) ?? [];
    const unit = tests.filter((test) => test.startsWith('test/unit/'));
    const servers = tests.filter((test) => !unit.includes(test)).slice(0, Number(values.tests));
    const killed =
      (unit.length > 0 && (await isKilled(mutant, unit, environment))) ||
      (servers.length > 0 && (await isKilled(mutant, servers, environment)));
    counts[killed ? 'killed' : tests.length === 0 ? 'unreached' : 'survived'] += 1;
    if (!killed) {
      const line = readFileSync(mutant.file, 'utf8').slice(0, mutant.start).split('\n').length;
      survivors.push(`${mutant.file}:${line} ${mutant.kind}: ${mutant.text.slice(0, 100)}`);
      process.stdout.write(`survived: ${survivors.at(-1)}\n`);
    }
  }
  for (const [folder, { killed, survived, unreached }] of score) {
    const total = killed + survived + unreached;
    const percent = ((100 * killed) / total).toFixed(0);
    process.stdout.write(`${folder}: ${percent} % of ${total} killed (${survived} survived, ${unreached} unreached)\n`);
  }
  return 0;
}

/** Runs all tests once, and resolves to the test files that reach each place: the most specific first. */
async function findReached(environment: Readonly<Record<string, string>>): Promise<Map<string, string[]>> {
  const folder = mkdtempSync(join(tmpdir(), 'accepted-reached-'));
  if ((await runVitest([], { ...environment, REACHED: folder }, 3600)) !== 0)
    process.stdout.write('Some tests fail without a mutant, so the score will be too high.\n');
  const reachedBy = new Map<string, string[]>();
  const perTest = readdirSync(folder).map((name) => ({
    test: name.replaceAll('+', '/').replace(/\.json$/, ''),
    // The hook wrote this file.
    places: JSON.parse(readFileSync(join(folder, name), 'utf8')) as string[],
  }));
  for (const { test, places } of perTest.toSorted((a, b) => a.places.length - b.places.length)) {
    for (const place of places) reachedBy.set(place, [...(reachedBy.get(place) ?? []), test]);
  }
  rmSync(folder, { recursive: true });
  return reachedBy;
}

/** Fisher and Yates' shuffle, with random numbers by a linear congruential generator (Numerical Recipes). */
function shuffle<T>(items: readonly T[], seed: number): T[] {
  let state = seed;
  const shuffled = [...items];
  for (let last = shuffled.length - 1; last > 0; last -= 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (last + 1));
    const [a, b] = [shuffled[last], shuffled[other]];
    if (a !== undefined && b !== undefined) [shuffled[last], shuffled[other]] = [b, a];
  }
  return shuffled;
}
