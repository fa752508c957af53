import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RESULT } from './contenders/shared/customers.ts';
import type { Program } from './program.ts';

const PROJECT = join(import.meta.dirname, '../..');
const script = (file: string): readonly string[] => [join(import.meta.dirname, 'contenders', `${file}.ts`)];

export interface Contender {
  readonly name: string;
  readonly title: string;
  readonly api: 'graphql' | 'rest';
  readonly server: Program;
  /** Undefined where the server runs the jobs itself. */
  readonly worker: Program | undefined;
}

/** A plain BullMQ worker whose jobs do nothing. */
export const bareWorker = (queue: string, result: unknown, concurrency = 10): Program => ({
  command: script('workers/bullmq'),
  settings: { QUEUE_NAME: queue, WORKER_CONCURRENCY: String(concurrency), RESULT: JSON.stringify(result) },
});

/** A checkout of this project, started through its command line alone, so that it may be of any commit. */
export interface Checkout {
  readonly server: Program;
  readonly worker: Program;
}

const checkoutAt = (folder: string): Checkout => {
  const program = (role: string): Program => ({
    command: [join(folder, 'src/main.ts'), role],
    // The other contenders accept any number of jobs, and the bench fills the queue on purpose.
    settings: { QUEUE_MAX_DEPTH: '1000000000' },
    // Where its configuration is, and with that its job types.
    cwd: folder,
  });
  return { server: program('api'), worker: program('worker') };
};

export const ACCEPTED = checkoutAt(PROJECT);
/** With API and worker in one process. */
export const ACCEPTED_ALL: Program = { command: [join(PROJECT, 'src/main.ts'), 'start'] };

const onBullmq = (file: string): Pick<Contender, 'server' | 'worker'> => ({
  server: { command: script(file) },
  worker: bareWorker('customer', RESULT),
});

/** In the order of their turns: those that are compared with each other are neighbours. @param against the checkout before */
export function contenders(against: string | undefined): Contender[] {
  const before = against === undefined ? undefined : checkoutAt(against);
  const onApi = (api: Contender['api'], title: string): Contender[] => [
    { name: `accepted-${api}`, title: `Accepted, ${title}`, api, ...ACCEPTED },
    ...(before === undefined ? [] : [{ name: `before-${api}`, title: `before, ${title}`, api, ...before }]),
  ];
  return [
    { name: 'node-http', title: 'bare node:http + BullMQ', api: 'rest', ...onBullmq('node-http') },
    ...onApi('graphql', 'GraphQL'),
    ...onApi('rest', 'REST'),
    { name: 'fastify', title: 'Fastify + BullMQ', api: 'rest', ...onBullmq('fastify') },
    { name: 'express', title: 'Express + BullMQ', api: 'rest', ...onBullmq('express') },
    { name: 'yoga', title: 'stock Yoga + BullMQ', api: 'graphql', ...onBullmq('yoga') },
    { name: 'mercurius', title: 'Mercurius with JIT + BullMQ', api: 'graphql', ...onBullmq('mercurius') },
    { name: 'apollo', title: 'Apollo Server + BullMQ', api: 'graphql', ...onBullmq('apollo') },
    {
      name: 'pg-boss',
      title: 'Fastify + pg-boss on PostgreSQL',
      api: 'rest',
      server: { command: script('pg-boss') },
      worker: { command: script('workers/pg-boss') },
    },
    {
      name: 'restate',
      title: 'Fastify + Restate',
      api: 'rest',
      server: { command: script('restate') },
      worker: undefined,
    },
  ];
}

const emptyJob = (defineJobPath: string): string => `import { z } from 'zod';
import { defineJob } from '${defineJobPath}';

export default defineJob({
  name: 'empty',
  collection: 'empties',
  description: 'Returns its input.',
  input: z.object({ text: z.string() }),
  result: z.object({ text: z.string() }),
  run: ({ text }) => ({ text }),
});
`;

/** Publishes the time, in milliseconds since 1970, a thousand times a second. It begins after a second, when its readers are there. */
const talkerJob = (defineJobPath: string): string => `import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { defineJob } from '${defineJobPath}';

const now = () => performance.timeOrigin + performance.now();

export default defineJob({
  name: 'talker',
  collection: 'talkers',
  description: 'Publishes the time a thousand times a second.',
  input: z.object({ pieces: z.int() }),
  result: z.object({ pieces: z.int() }),
  async run({ pieces }, job) {
    await delay(1000);
    const began = now();
    for (let piece = 0; piece < pieces; piece += 1) {
      const early = began + piece - now();
      if (early > 0) await delay(early);
      await job.output(now());
    }
    return { pieces };
  },
});
`;

/** Where such a job is submitted. */
export const TALKER = { path: '/api/talkers' } as const;

/** Where an empty job is submitted, and its input, which is its result too. */
export const EMPTY = { path: '/api/empties', data: { text: 'nothing' } } as const;

export interface CheckoutWithEmptyJob extends Checkout {
  /** `accepted` or `before`. */
  readonly name: string;
  remove(): void;
}

/** Copies of this project, and of the one before, that have a job type without work, and one that publishes output. */
export function copiesWithEmptyJob(against: string | undefined): CheckoutWithEmptyJob[] {
  const sources = [
    { name: 'accepted', source: PROJECT },
    ...(against === undefined ? [] : [{ name: 'before', source: against }]),
  ];
  return sources.map(({ name, source }) => {
    const folder = mkdtempSync(join(tmpdir(), 'accepted-copy-'));
    for (const entry of ['package.json', 'accepted.config.ts', 'src'].filter((file) => existsSync(join(source, file))))
      cpSync(join(source, entry), join(folder, entry), { recursive: true });
    symlinkSync(join(source, 'node_modules'), join(folder, 'node_modules'), 'junction');
    const defineJobPath = defineJobPathIn(folder);
    writeFileSync(join(folder, 'src/jobs/empty.ts'), emptyJob(defineJobPath));
    writeFileSync(join(folder, 'src/jobs/talker.ts'), talkerJob(defineJobPath));
    const remove = (): void => rmSync(folder, { recursive: true, force: true });
    const { server, worker } = checkoutAt(folder);
    return { name, server, worker, remove };
  });
}

/** The path from which the sample's job types import `defineJob`: it differs between commits. */
function defineJobPathIn(folder: string): string {
  for (const file of globSync(join(folder, 'src/jobs/*.ts'))) {
    const path = /import \{[^}]*\bdefineJob\b[^}]*\} from '([^']+)'/.exec(readFileSync(file, 'utf8'))?.[1];
    if (path !== undefined) return path;
  }
  throw new Error(`no job type in ${folder}/src/jobs imports defineJob`);
}
