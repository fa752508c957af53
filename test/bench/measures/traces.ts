import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { ACCEPTED, EMPTY } from '../contenders.ts';
import type { LoadRequest } from '../driver/connection.ts';
import { fill, load } from '../driver/load.ts';
import { measureLoad } from '../driver/measure-load.ts';
import { type RunningProgram, type Settings, cpuSeconds, startProgram } from '../program.ts';
import { JOBS_TRACED, TRACES } from '../report/targets.ts';
import { APIS, PENDING_INPUT, submission, submitOne } from '../requests.ts';
import { type Bench, shuffled } from './measure.ts';
import { completedSets, countIn } from './worker.ts';

/** The compiler's threads count too, and are busy until what was measured is compiled. */
const WARM_UP_SECONDS = 25;
const RUN_MS = 120_000;
const POLL_MS = 20;

/** A request of a client that traces, and has left this one out. */
const LEFT_OUT = 'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00';

interface Receiver {
  readonly settings: Settings;
  /** Spans so far. */
  count(): number;
  close(): void;
}

interface Mode {
  readonly name: string;
  readonly settings: Settings;
}

/** In the order of their turns: the first is what the others are compared with. */
const modesWith = ({ settings }: Receiver): readonly Mode[] => [
  { name: TRACES.off, settings: {} },
  {
    name: TRACES.leftOut,
    settings: { ...settings, OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' },
  },
  { name: TRACES.recorded, settings },
];

/** One round: an API process in each mode, which take turns in short loads, and then a worker in each mode, all at once. */
export async function measureTraces(bench: Bench): Promise<void> {
  const receiver = await receive();
  try {
    await measureRequests(bench, receiver);
    await measureJobs(bench, receiver);
  } finally {
    receiver.close();
  }
}

function measureRequests({ stores, options, recorder, round }: Bench, receiver: Receiver): Promise<void> {
  return stores.withEmptyFor(modesWith(receiver), async (entries) => {
    const servers: { readonly name: string; readonly running: RunningProgram }[] = [];
    try {
      for (const [{ name, settings }, own] of entries)
        servers.push({ name, running: await startProgram(ACCEPTED.server, { ...own, ...settings }) });
      const jobs = new Map<string, string>();
      for (const { name, running } of servers) jobs.set(name, await submitOne(running.url, 'rest', PENDING_INPUT));
      const poll = (name: string): LoadRequest => APIS.rest.poll(jobs.get(name) ?? '', 'pending');
      const leftOut = (request: LoadRequest): LoadRequest => ({ ...request, headers: [LEFT_OUT] });
      const loads: readonly (readonly [path: string, requestOf: (name: string) => LoadRequest])[] = [
        ['submit, REST', () => submission('rest')],
        ['submit, REST, left out by the client', () => leftOut(submission('rest'))],
        ['poll, REST', poll],
      ];
      for (const [path, requestOf] of loads) {
        const targetOf = (name: string, { url }: RunningProgram) => ({
          url,
          connections: options.connections,
          requests: [requestOf(name)],
        });
        await Promise.all(
          servers.map(({ name, running }) => load({ ...targetOf(name, running), seconds: WARM_UP_SECONDS })),
        );
        for (const { turn, item } of shuffled(servers, options.turns)) {
          const { name, running } = item;
          const before = receiver.count();
          const accounted = { api: [running.pid], store: [stores.redisPid] };
          const target = targetOf(name, running);
          const figures = await measureLoad([target], { seconds: options.seconds }, accounted);
          const { perSecond = 0, apiCpu, storeCpu } = figures;
          const spans = (receiver.count() - before) / (perSecond * options.seconds);
          if (apiCpu === undefined || storeCpu === undefined) continue;
          recorder.add({
            path: `traces: ${path}`,
            name,
            pair: `${round}.${turn}`,
            figures: { apiCpu, storeCpu, spans },
          });
        }
      }
    } finally {
      await Promise.all(servers.map(({ running }) => running.end()));
    }
  });
}

/** Jobs without work, which were submitted in the same mode. All workers run at once, each on a store of its own. */
function measureJobs({ stores, options, recorder, round, copies }: Bench, receiver: Receiver): Promise<void> {
  const [copy] = copies;
  if (copy === undefined) throw new Error('no copy of this project');
  const job: LoadRequest = {
    method: 'POST',
    path: EMPTY.path,
    body: JSON.stringify(EMPTY.data),
    statuses: [202],
    contains: '"id"',
  };
  return stores.withEmptyFor(modesWith(receiver), async (entries) => {
    for (const [{ settings }, own] of entries) {
      const server = await startProgram(copy.server, { ...own, ...settings });
      try {
        await fill(server.url, job, options.jobs);
      } finally {
        await server.end();
      }
    }
    let workers: readonly Worker[] = [];
    try {
      const start = async ({ name, settings }: Mode, own: Settings): Promise<Worker> => {
        const redis = new Redis(own['QUEUE_URL'] ?? '');
        const completed = await completedSets(redis);
        return { name, redis, completed, running: await startProgram(copy.worker, { ...own, ...settings }) };
      };
      workers = await Promise.all(entries.map(([mode, own]) => start(mode, own)));
      const doneBy = ({ redis, completed }: Worker): Promise<number> => countIn(redis, completed);
      const state = (): Promise<{ done: number; cpu: number }[]> =>
        Promise.all(
          workers.map(async (worker) => ({ done: await doneBy(worker), cpu: cpuSeconds([worker.running.pid]) })),
        );
      await until(async () => (await state()).every(({ done }) => done > options.jobs / 4));
      const before = await state();
      const spansBefore = receiver.count();
      await until(async () => (await state()).some(({ done }) => done >= options.jobs));
      const after = await state();
      for (const [index, { name }] of workers.entries()) {
        const [from, to] = [before[index], after[index]];
        if (from === undefined || to === undefined) continue;
        const jobs = to.done - from.done;
        const spans = name === TRACES.recorded ? (receiver.count() - spansBefore) / jobs : 0;
        const figures = { workerCpu: ((to.cpu - from.cpu) * 1e6) / jobs, spans };
        recorder.add({ path: JOBS_TRACED, name, pair: String(round), figures });
      }
    } finally {
      await Promise.all(workers.map(({ running }) => running.end()));
      for (const { redis } of workers) redis.disconnect();
    }
  });
}

interface Worker {
  readonly name: string;
  readonly redis: Redis;
  readonly completed: string[];
  readonly running: RunningProgram;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + RUN_MS;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`not done within ${RUN_MS} ms`);
    await delay(POLL_MS);
  }
}

/** Takes traces by OTLP over HTTP, as protobuf, and counts the spans. */
async function receive(): Promise<Receiver> {
  let count = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .once('end', () => {
        count += countSpans(Buffer.concat(chunks));
        response.end();
      });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  // A server on a port has such an address.
  const { port } = server.address() as AddressInfo;
  return {
    settings: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` },
    count: () => count,
    close: () => void server.close(),
  };
}

/** Within ExportTraceServiceRequest: its resource spans, their scope spans, and the spans of these (opentelemetry/proto/trace/v1). */
const PATH_TO_SPANS = [1, 2, 2];

function countSpans(message: Uint8Array, path: readonly number[] = PATH_TO_SPANS): number {
  const [field, ...rest] = path;
  if (field === undefined) return 1;
  let count = 0;
  let at = 0;
  // All fields on this way have a length.
  while (at < message.length) {
    const tag = message[at++] ?? 0;
    let [length, shift, byte] = [0, 0, 0x80];
    for (; (byte & 0x80) !== 0; shift += 7) {
      byte = message[at++] ?? 0;
      length |= (byte & 0x7f) << shift;
    }
    if (tag >> 3 === field) count += countSpans(message.subarray(at, at + length), rest);
    at += length;
  }
  return count;
}
