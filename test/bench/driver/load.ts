import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { isPicked, percentile } from '../report/statistics.ts';
import { type Connection, type LoadRequest, openConnection, toBytes } from './connection.ts';

const TICK_MS = 1;
const FILL_CONNECTIONS = 50;
const JOB_ID = /"id":"([^"]+)"/;

export interface Target {
  readonly url: string;
  readonly connections: number;
  /** Sent in turn, repeatedly. */
  readonly requests: readonly LoadRequest[];
}

export interface Load extends Target {
  readonly seconds: number;
  /** Requests per second, due at fixed times. Without it each connection sends as soon as it has its reply. */
  readonly perSecond?: number;
}

export interface LoadResult {
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** CPU time that the driver spends on a request, in microseconds. */
  readonly loadCpu: number;
}

/** Runs a load in a thread, away from the garbage of the rest of the bench. @throws Error on the first unexpected reply */
export async function load(spec: Load): Promise<LoadResult> {
  const thread = new Worker(new URL('thread.ts', import.meta.url), { workerData: spec });
  // The thread posts nothing but the result of `runLoad`.
  const [result] = (await once(thread, 'message')) as [LoadResult];
  return result;
}

export async function runLoad(spec: Load): Promise<LoadResult> {
  const { url, seconds, perSecond } = spec;
  const connections = await Promise.all(Array.from({ length: spec.connections }, () => openConnection(url)));
  const { host } = new URL(url);
  const messages = spec.requests.map((request) => ({ bytes: toBytes(host, request), expected: request }));
  const cpu = process.threadCpuUsage();
  const started = performance.now();
  try {
    const times = await (perSecond === undefined
      ? saturate(connections, messages, seconds)
      : pace(connections, messages, seconds, perSecond));
    const took = (performance.now() - started) / 1000;
    const { user, system } = process.threadCpuUsage(cpu);
    return {
      perSecond: times.length / took,
      p50: percentile(times, 50),
      p99: percentile(times, 99),
      loadCpu: (user + system) / times.length,
    };
  } finally {
    for (const connection of connections) connection.close();
  }
}

type Messages = readonly { readonly bytes: Buffer; readonly expected: LoadRequest }[];

function messageAt(messages: Messages, index: number): Messages[number] {
  const message = messages[index % messages.length];
  if (message === undefined) throw new Error('a load needs at least one request');
  return message;
}

async function saturate(connections: readonly Connection[], messages: Messages, seconds: number): Promise<number[]> {
  const end = performance.now() + seconds * 1000;
  const times: number[] = [];
  let next = 0;
  const runOn = (connection: Connection): Promise<void> =>
    new Promise((resolve, reject) => {
      const sendNext = (): void => {
        const { bytes, expected } = messageAt(messages, next++);
        const sent = performance.now();
        const onReply = (): void => {
          const now = performance.now();
          times.push(now - sent);
          if (now < end) sendNext();
          else resolve();
        };
        connection.send(bytes, expected, onReply, reject);
      };
      sendNext();
    });
  await Promise.all(connections.map(runOn));
  return times;
}

/**
 * An open load: a request is due at its time whether or not earlier ones have replies, and its latency counts from then. A reply
 * that comes late thus counts for the requests that wait behind it, too.
 */
function pace(
  connections: readonly Connection[],
  messages: Messages,
  seconds: number,
  perSecond: number,
): Promise<number[]> {
  const total = Math.max(1, Math.floor(perSecond * seconds));
  const started = performance.now();
  const free = [...connections];
  const times: number[] = [];
  let next = 0;
  const { promise, resolve, reject } = Promise.withResolvers<number[]>();
  const sendDue = (): void => {
    for (;;) {
      const due = started + (next * 1000) / perSecond;
      if (next === total || due > performance.now()) return;
      const connection = free.pop();
      if (connection === undefined) return;
      const { bytes, expected } = messageAt(messages, next++);
      const onReply = (): void => {
        times.push(performance.now() - due);
        free.push(connection);
        if (times.length === total) resolve(times);
        else sendDue();
      };
      connection.send(bytes, expected, onReply, reject);
    }
  };
  const timer = setInterval(sendDue, TICK_MS);
  return promise.finally(() => clearInterval(timer));
}

/** Submits a job so many times. @param keep how many of the ids to return, spread evenly over all jobs */
export async function fill(url: string, submission: LoadRequest, amount: number, keep = 0): Promise<string[]> {
  const bytes = toBytes(new URL(url).host, submission);
  const ids: string[] = [];
  let next = 0;
  const submitOnOne = async (): Promise<void> => {
    const connection = await openConnection(url);
    try {
      while (next < amount) {
        const index = next++;
        const reply = await connection.exchange(bytes, submission);
        const id = isPicked(index, keep, amount) ? JOB_ID.exec(reply)?.[1] : undefined;
        if (id !== undefined) ids.push(id);
      }
    } finally {
      connection.close();
    }
  };
  await Promise.all(Array.from({ length: Math.min(FILL_CONNECTIONS, amount) }, submitOnOne));
  return ids;
}

/** Latencies of an idle server, in milliseconds: each request waits for the reply to the one before. */
export async function timeOneAtATime(
  url: string,
  requests: readonly LoadRequest[],
): Promise<{ readonly p50: number; readonly p99: number }> {
  const connection = await openConnection(url);
  const { host } = new URL(url);
  const times: number[] = [];
  try {
    for (const request of requests) {
      const bytes = toBytes(host, request);
      const sent = performance.now();
      await connection.exchange(bytes, request);
      times.push(performance.now() - sent);
    }
  } finally {
    connection.close();
  }
  return { p50: percentile(times, 50), p99: percentile(times, 99) };
}
