/** Moves the jobs of one store to another. */
import { z } from 'zod';
import { StartError } from '../core/start-error.ts';
import { fromSubmission, receiverOf } from './job-submission.ts';
import { newSecret } from './store-secret.ts';
import type { QueueBackend } from './backend.ts';
import { type StoredJob, sizeOf } from './stored-job.ts';

/** The most characters of jobs that the store is given in one step. */
const MAX_CHARACTERS = 1_000_000;

/** Numbers of jobs. */
export interface Migrated {
  /** That this run has copied. */
  readonly waiting: number;
  readonly finished: number;
  /** That the store had already, from a run before. */
  readonly known: number;
  /** Whose retention was over. */
  readonly expired: number;
  /** That were left, because they are parts of flows. */
  readonly omitted: number;
}

export interface MigrationOptions {
  readonly from: QueueBackend;
  readonly to: QueueBackend;
  /** Of finished jobs that do not say how long they are kept. */
  readonly retentionMs: number;
  /** Called after each step. */
  onProgress(type: string, total: Migrated): void;
}

const optionsSchema = z.object({
  retentionMs: z.number().optional(),
  submission: z.unknown().optional(),
  output: z.boolean().optional(),
});
const NONE: Migrated = { waiting: 0, finished: 0, known: 0, expired: 0, omitted: 0 };

/**
 * Copies the secret, the names of the job types, all jobs and the deliveries of their webhooks between two connected stores that no other process uses. The source stays as it
 * is. A second run copies what the first one did not.
 * @throws StartError when a process uses one of the stores, or the target has a secret of its own
 */
export async function migrateJobs({ from, to, retentionMs, onProgress }: MigrationOptions): Promise<Migrated> {
  await requireUnused('--from', from);
  await requireUnused('--to', to);
  const secret = await from.readSecret(newSecret());
  if ((await to.readSecret(secret)) !== secret) {
    throw new StartError(
      '--to: this store has been used, and signs access tokens with a secret of its own; those of the jobs to come, and their idempotency keys, would not count any more. Empty it, or take another database',
    );
  }
  const types = await from.addTypes([]);
  await to.addTypes(types);
  for (const [caller, rotations] of await from.deliveries.readAllRotations())
    await to.deliveries.storeRotations(caller, rotations);
  let total = NONE;
  for (const type of types) {
    const clock = from.clockOf(type);
    await clock.measure();
    let next: string | undefined;
    do {
      const page = await from.readStored(type, next);
      next = page.next;
      const kept = page.jobs.filter((job) => !isExpired(job, clock.now(), retentionMs));
      const counts = await addAll(to, type, kept);
      for (const job of kept) await copyDeliveries(from, to, type, job);
      for (const job of kept) if (optionsOf(job)?.output === true) await copyOutput(from, to, type, job.id);
      total = sum(total, { ...counts, expired: page.jobs.length - kept.length, omitted: page.omitted });
      onProgress(type, total);
    } while (next !== undefined);
  }
  return total;
}

async function requireUnused(option: string, store: QueueBackend): Promise<void> {
  const users = await store.countUsers();
  if (users === 0) return;
  throw new StartError(`${option}: an API or a worker is connected to this store; stop all of them first`);
}

/** What was told of a job's ends, and what is to be told. */
async function copyDeliveries(from: QueueBackend, to: QueueBackend, type: string, job: StoredJob): Promise<void> {
  const { submission } = optionsSchema.parse(JSON.parse(job.options));
  const webhook = fromSubmission(submission)?.webhook;
  if (webhook === undefined) return;
  const place = { type, jobId: job.id, caller: job.caller, receiver: receiverOf(webhook) };
  await to.deliveries.add(place, await from.deliveries.read(place));
}

/** Jobs in so many steps that none holds up the store for long. */
async function addAll(
  to: QueueBackend,
  type: string,
  jobs: readonly StoredJob[],
): Promise<Omit<Migrated, 'expired' | 'omitted'>> {
  let counts = { waiting: 0, finished: 0, known: 0 };
  for (const chunk of chunksOf(jobs)) {
    const ids = new Set(await to.addStored(type, chunk));
    const added = chunk.filter(({ id }) => ids.has(id));
    const finished = added.filter(({ finishedAt }) => finishedAt !== null).length;
    counts = {
      waiting: counts.waiting + added.length - finished,
      finished: counts.finished + finished,
      known: counts.known + chunk.length - added.length,
    };
  }
  return counts;
}

function chunksOf(jobs: readonly StoredJob[]): StoredJob[][] {
  const chunks: StoredJob[][] = [];
  let characters = Infinity;
  for (const job of jobs) {
    if (characters + sizeOf(job) > MAX_CHARACTERS) {
      chunks.push([]);
      characters = 0;
    }
    chunks.at(-1)?.push(job);
    characters += sizeOf(job);
  }
  return chunks;
}

/** A run before may have copied a part of it. */
async function copyOutput(from: QueueBackend, to: QueueBackend, type: string, id: string): Promise<void> {
  let after = 0;
  for (;;) {
    const page = await from.readOutput(type, id, after);
    if (page === undefined || page.pieces.length === 0) return;
    await to.addOutput(type, id, page.pieces);
    if (!page.hasMore) return;
    after = page.pieces.at(-1)?.sequence ?? after;
  }
}

function optionsOf({ options }: StoredJob) {
  return optionsSchema.safeParse(JSON.parse(options)).data;
}

/** @param retentionMs of jobs that do not say how long they are kept */
function isExpired(job: StoredJob, now: number, retentionMs: number): boolean {
  return job.finishedAt !== null && job.finishedAt + (optionsOf(job)?.retentionMs ?? retentionMs) <= now;
}

function sum(a: Migrated, b: Migrated): Migrated {
  return {
    waiting: a.waiting + b.waiting,
    finished: a.finished + b.finished,
    known: a.known + b.known,
    expired: a.expired + b.expired,
    omitted: a.omitted + b.omitted,
  };
}
