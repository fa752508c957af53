import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { type CheckoutWithEmptyJob, TALKER } from '../contenders.ts';
import { type Settings, startProgram } from '../program.ts';
import { percentile } from '../report/statistics.ts';
import { OUTPUT } from '../report/targets.ts';
import { type Bench, alternating } from './measure.ts';

const READERS = 10;
const PIECES = 5000;
/** Of the first pieces, which find code that has not run before. */
const WARM_UP_PIECES = 500;

const SUBSCRIPTION = 'subscription ($id: ID!) { jobOutput(id: $id) { sequence kind value } }';

interface Way {
  readonly accept: string;
  readonly path: (id: string) => string;
  readonly body?: (id: string) => string;
}

/** Each writes a piece on a line. */
const WAYS: Readonly<Record<string, Way>> = {
  events: { accept: 'text/event-stream', path: (id) => `/api/jobs/${id}/events` },
  lines: { accept: 'application/jsonl', path: (id) => `/api/jobs/${id}/output?follow=true` },
  subscription: {
    accept: 'text/event-stream',
    path: () => '/graphql',
    body: (id) => JSON.stringify({ query: SUBSCRIPTION, variables: { id } }),
  },
};

/** From the call in a job's function to its line in a reader, at a thousand pieces a second to ten readers. API and worker have processes of their own. */
export async function measureOutput({ stores, options, recorder, copies }: Bench): Promise<void> {
  for (const copy of copies) {
    const measureCopy = (settings: Settings): Promise<void> =>
      withPrograms(copy, settings, async (url) => {
        for (const { turn, item } of alternating(Object.entries(WAYS), options.turns)) {
          const [name, way] = item;
          const times = await readAll(url, way);
          const figures = { p50: percentile(times, 50), p99: percentile(times, 99) };
          recorder.add({ path: OUTPUT, name: `${copy.name}-${name}`, pair: `${turn}`, figures });
        }
      });
    await recorder.attempt(`output of ${copy.name}`, () => stores.withEmpty(measureCopy));
  }
}

async function withPrograms(
  { server, worker }: CheckoutWithEmptyJob,
  settings: Settings,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const running = await Promise.all([startProgram(server, settings), startProgram(worker, settings)]);
  try {
    await use(running[0].url);
  } finally {
    await Promise.all(running.map((program) => program.end()));
  }
}

/** @returns the milliseconds that each piece took to each reader */
async function readAll(url: string, way: Way): Promise<number[]> {
  const response = await fetch(new URL(TALKER.path, url), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ pieces: PIECES + WARM_UP_PIECES }),
  });
  const { id } = z.object({ id: z.string() }).parse(await response.json());
  const all = await Promise.all(Array.from({ length: READERS }, () => read(url, way, id)));
  return all.flat();
}

async function read(url: string, { accept, path, body }: Way, id: string): Promise<number[]> {
  const text = body?.(id);
  const sent = request(new URL(path(id), url), {
    method: text === undefined ? 'GET' : 'POST',
    headers: { Accept: accept, ...(text !== undefined && { 'Content-Type': 'application/json' }) },
    agent: false,
  });
  sent.end(text);
  // Node's types do not say what the event brings.
  const [reply] = (await once(sent, 'response')) as [IncomingMessage];
  const times: number[] = [];
  for await (const line of createInterface({ input: reply })) {
    const at = /"value":(\d+(?:\.\d+)?)/.exec(line)?.[1];
    if (at !== undefined) times.push(performance.timeOrigin + performance.now() - Number(at));
  }
  if (times.length !== PIECES + WARM_UP_PIECES) throw new Error(`a reader received ${times.length} pieces`);
  return times.slice(WARM_UP_PIECES);
}
