import { join } from 'node:path';
import { RESULT } from './contenders/shared/customers.ts';

const PROJECT = join(import.meta.dirname, '../..');
const contender = (file: string): readonly string[] => [join(import.meta.dirname, 'contenders', `${file}.ts`)];

/** The bare worker that takes a contender's jobs, and where it finds them. */
export interface WorkerProgram {
  readonly command: readonly string[];
  readonly settings: Readonly<Record<string, string>>;
}

export interface Contender {
  readonly name: string;
  /** For people. */
  readonly title: string;
  readonly face: 'graphql' | 'rest';
  /** What Node runs. */
  readonly command: readonly string[];
  /** Beside those that name the stores. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Undefined where jobs always run. */
  readonly worker: WorkerProgram | undefined;
}

interface BareWorkerOptions {
  readonly queue: string;
  /** @default BullMQ's own */
  readonly prefix?: string;
  /** What each job comes to. */
  readonly result: unknown;
  /** @default 10 */
  readonly concurrency?: number;
}

export function bareWorker({ queue, prefix = 'bull', result, concurrency = 10 }: BareWorkerOptions): WorkerProgram {
  const settings = { QUEUE_NAME: queue, QUEUE_PREFIX: prefix, WORKER_CONCURRENCY: String(concurrency) };
  return { command: contender('workers/bullmq'), settings: { ...settings, RESULT: JSON.stringify(result) } };
}

export const ACCEPTED = {
  command: [join(PROJECT, 'src/main.ts'), 'api'],
  // No other contender has a bound, and the bench fills the queue on purpose.
  settings: { QUEUE_MAX_DEPTH: '1000000000' },
  worker: bareWorker({ queue: '{customer}', prefix: 'accepted', result: RESULT }),
};
const onBullmq = (file: string) => ({
  command: contender(file),
  worker: bareWorker({ queue: 'customer', result: RESULT }),
});

/** In the order of their turns. */
export const CONTENDERS: readonly Contender[] = [
  { name: 'node-http', title: 'bare node:http + BullMQ', face: 'rest', ...onBullmq('node-http') },
  { name: 'accepted-graphql', title: 'Accepted, GraphQL', face: 'graphql', ...ACCEPTED },
  { name: 'accepted-rest', title: 'Accepted, REST', face: 'rest', ...ACCEPTED },
  { name: 'fastify', title: 'Fastify + BullMQ', face: 'rest', ...onBullmq('fastify') },
  { name: 'express', title: 'Express + BullMQ', face: 'rest', ...onBullmq('express') },
  { name: 'yoga', title: 'stock Yoga + BullMQ', face: 'graphql', ...onBullmq('yoga') },
  { name: 'mercurius', title: 'Mercurius with JIT + BullMQ', face: 'graphql', ...onBullmq('mercurius') },
  { name: 'apollo', title: 'Apollo Server + BullMQ', face: 'graphql', ...onBullmq('apollo') },
  {
    name: 'pg-boss',
    title: 'Fastify + pg-boss on PostgreSQL',
    face: 'rest',
    command: contender('pg-boss'),
    worker: { command: contender('workers/pg-boss'), settings: {} },
  },
  { name: 'restate', title: 'Fastify + Restate', face: 'rest', command: contender('restate'), worker: undefined },
];
