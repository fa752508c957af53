import type { Contender } from '../contenders.ts';
import type { LoadRequest } from '../driver/connection.ts';
import { load } from '../driver/load.ts';
import { measureLoad } from '../driver/measure-load.ts';
import { type RunningProgram, type Settings, startProgram } from '../program.ts';
import { median } from '../report/statistics.ts';
import { HALF_LOAD } from '../report/targets.ts';
import { APIS, PENDING_INPUT, expectRefusal, submission, submitOne, waitUntilDone } from '../requests.ts';
import { type Bench, alternating } from './measure.ts';

const MAX_WARM_UP_SECONDS = 3;

interface Running extends Contender {
  readonly running: RunningProgram;
  readonly settings: Settings;
}

/**
 * One round of polls and submissions. All contenders run at the same time on stores of their own, and take turns in short loads: the
 * other work of the machine then slows all of them alike.
 */
export function measureApis(bench: Bench): Promise<void> {
  const { stores, options, recorder } = bench;
  return stores.withEmptyFor(options.contenders, async (entries) => {
    const contenders: Running[] = [];
    try {
      for (const [contender, settings] of entries) {
        const running = await recorder.attempt(contender.name, () => start(contender, settings));
        if (running !== undefined) contenders.push({ ...contender, running, settings });
      }
      if (options.only.includes('poll')) await measurePolls(bench, contenders);
      if (options.only.includes('submit')) await measureSubmissions(bench, contenders);
    } finally {
      await Promise.all(contenders.map(({ running }) => running.end()));
    }
  });
}

async function start({ api, server }: Contender, settings: Settings): Promise<RunningProgram> {
  const running = await startProgram(server, settings);
  try {
    await expectRefusal(running.url, api);
    return running;
  } catch (error) {
    await running.end();
    throw error;
  }
}

async function measurePolls(bench: Bench, contenders: readonly Running[]): Promise<void> {
  const polls = new Map<Running, { readonly pending: LoadRequest; readonly done: LoadRequest }>();
  for (const contender of contenders) {
    const { api, running, name } = contender;
    const requests = await bench.recorder.attempt(name, async () => {
      const done = await runOne(contender);
      // No worker runs now.
      const pending = await submitOne(running.url, api, PENDING_INPUT);
      return { pending: APIS[api].poll(pending, 'pending'), done: APIS[api].poll(done, 'done') };
    });
    if (requests !== undefined) polls.set(contender, requests);
  }
  for (const state of ['pending', 'done'] as const)
    await inTurns(bench, [...polls.keys()], `poll, ${state}`, (contender) => polls.get(contender)?.[state]);
}

/** Submits a job and runs it. */
async function runOne({ api, running: { url }, worker, settings }: Running): Promise<string> {
  const id = await submitOne(url, api);
  const runningWorker = worker && (await startProgram(worker, settings));
  try {
    await waitUntilDone(url, api, id);
  } finally {
    await runningWorker?.end();
  }
  return id;
}

async function measureSubmissions(bench: Bench, contenders: readonly Running[]): Promise<void> {
  const speeds = await inTurns(bench, contenders, 'submit', ({ api }) => submission(api));
  await inTurns(
    bench,
    contenders.filter((contender) => speeds.has(contender)),
    HALF_LOAD,
    ({ api }) => submission(api),
    (contender) => median(speeds.get(contender) ?? []) / 2,
  );
}

/** Returns the throughput of each turn. @param paceOf requests per second of an open load */
async function inTurns(
  { options, recorder, round, stores }: Bench,
  contenders: readonly Running[],
  path: string,
  requestOf: (contender: Running) => LoadRequest | undefined,
  paceOf?: (contender: Running) => number,
): Promise<Map<Running, number[]>> {
  const { turns, seconds, connections } = options;
  const speeds = new Map<Running, number[]>();
  const targetOf = (contender: Running) => ({
    url: contender.running.url,
    connections,
    requests: [requestOf(contender)].filter((request) => request !== undefined),
  });
  for (const contender of contenders) {
    const warmUp = { ...targetOf(contender), seconds: Math.min(seconds, MAX_WARM_UP_SECONDS) };
    if (paceOf === undefined) await recorder.attempt(`${path}: ${contender.name}`, () => load(warmUp));
  }
  for (const { turn, item: contender } of alternating(contenders, turns)) {
    const accounted = { api: [contender.running.pid], store: [stores.redisPid] };
    const duration = { seconds, ...(paceOf && { perSecond: paceOf(contender) }) };
    const { name } = contender;
    const figures = await recorder.attempt(`${path}: ${name}`, () =>
      measureLoad([targetOf(contender)], duration, accounted),
    );
    if (figures === undefined) continue;
    recorder.add({ path, name, pair: `${round}.${turn}`, figures });
    speeds.set(contender, [...(speeds.get(contender) ?? []), figures.perSecond ?? 0]);
  }
  return speeds;
}
