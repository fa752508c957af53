import { LRUCache } from 'lru-cache';
import type { Job, SucceededJob } from '../core/job.ts';
import { createBatch } from './batch.ts';
import { endOfTurn } from './end-of-turn.ts';
import { type JobRecord, toJob } from './job-record.ts';

/** Jobs that one question to the store asks for. */
const MAX_JOBS = 200;
/** Characters of the results that all readers of a process keep together. */
const MAX_CHARACTERS = 32_000_000;
/** What a job takes beside its result. */
const JOB_CHARACTERS = 1000;
/** Milliseconds for which a job is kept: one that an operator takes out of the store is gone before long. */
const MAX_AGE_MS = 5000;

export interface JobReaderOptions {
  /** @param ids all different. Throws what `isShared` tells apart */
  readRecords(ids: readonly string[]): Promise<readonly (JobRecord | undefined)[]>;
  isShared(error: unknown): boolean;
  readonly retentionMs: number;
  readonly succeeded: SucceededJobs;
}

/** Reads jobs of one type. */
export interface JobReader {
  read(id: string): Promise<Job | undefined>;
}

/** Jobs that have succeeded, by id: nothing of them changes any more. Bounded, for all types together. */
export type SucceededJobs = LRUCache<string, SucceededJob>;

/** @param now milliseconds */
export function createSucceededJobs(now: () => number = () => performance.now()): SucceededJobs {
  return new LRUCache({ maxSize: MAX_CHARACTERS, ttl: MAX_AGE_MS, ttlResolution: 0, perf: { now } });
}

/**
 * One round trip reads all jobs that are asked for in a turn of the event loop, and each of them once: many may follow one job, and
 * an event wakes them all. No read begins before it is asked for, so that whoever has heard of something reads what came of it.
 */
export function createJobReader({ readRecords, isShared, retentionMs, succeeded }: JobReaderOptions): JobReader {
  const reads = new Map<string, Promise<Job | undefined>>();

  const readRecord = createBatch<string, JobRecord | undefined>(
    (ids) => {
      for (const id of ids) reads.delete(id);
      return readRecords(ids);
    },
    { maxItems: MAX_JOBS, isShared },
  );

  async function readNow(id: string): Promise<Job | undefined> {
    const record = await readRecord(id);
    const job = record && toJob(record, retentionMs);
    if (job?.status === 'Succeeded') {
      succeeded.set(id, job, { size: JOB_CHARACTERS + (record?.result?.length ?? 0) });
    }
    return job;
  }

  return {
    async read(id) {
      const known = succeeded.get(id);
      // When it has expired, an idempotency key may give its id to another one.
      if (known !== undefined && known.expiresAt.getTime() > Date.now()) {
        // With those that are read: so replies leave together, and a proxy or a client on this machine is woken up once for many.
        await endOfTurn();
        return known;
      }
      const shared = reads.get(id) ?? readNow(id);
      reads.set(id, shared);
      return shared;
    },
  };
}
