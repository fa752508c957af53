import { LRUCache } from 'lru-cache';
import type { Job, SucceededJob } from '../core/job.ts';
import { createBatch } from './batch.ts';
import { type JobRecord, toJob } from './job-record.ts';

/** The most jobs that one query reads. */
const MAX_JOBS = 200;

/** The most characters of cached results. */
const MAX_CHARACTERS = 32_000_000;
/** What a cached job takes beside its result, in characters. */
const JOB_CHARACTERS = 1000;
/** How long a job is cached, in milliseconds: a job that an operator removes from the store disappears soon after. */
const MAX_AGE_MS = 5000;
/** At least so many of the most recent submissions are expected, and at most twice as many. */
const MIN_EXPECTED = 500;
/** Without a subscriber for so many milliseconds nothing is expected, because no events arrive. */
const SUBSCRIBED_MS = 5000;

/**
 * A process's cache of jobs that succeeded, which do not change any more. One for all types together. It holds the jobs that were submitted
 * here before their clients ask for them, because an event brings each with its end.
 */
export interface SucceededJobs {
  /** Undefined for an expired job too: an idempotency key may give its id to another. */
  find(id: string): SucceededJob | undefined;
  /** @param characters of its result */
  keep(job: SucceededJob, characters: number): void;
  /** To be called for each subscription, so that events arrive for a while. */
  listened(): void;
  /** The job was submitted here, so that its client is likely to ask here for its result. */
  expect(id: string): void;
  isExpected(id: string): boolean;
}

/**
 * @param storeTime the time by the clock of the store, in milliseconds since 1970
 * @param now milliseconds
 */
export function createSucceededJobs(
  storeTime: (type: string) => number = () => Date.now(),
  now: () => number = () => performance.now(),
): SucceededJobs {
  const perf = { now };
  const kept = new LRUCache<string, SucceededJob>({ maxSize: MAX_CHARACTERS, ttl: MAX_AGE_MS, ttlResolution: 0, perf });
  let expected = new Set<string>();
  let expectedBefore = new Set<string>();
  let listenedAt = -Infinity;
  return {
    find(id) {
      const job = kept.get(id);
      return job !== undefined && job.expiresAt.getTime() > storeTime(job.type) ? job : undefined;
    },
    keep: (job, characters) => void kept.set(job.id, job, { size: JOB_CHARACTERS + characters }),
    listened() {
      listenedAt = now();
    },
    expect(id) {
      if (now() - listenedAt > SUBSCRIBED_MS) return;
      expected.add(id);
      if (expected.size < MIN_EXPECTED) return;
      expectedBefore = expected;
      expected = new Set();
    },
    isExpected: (id) => expected.has(id) || expectedBefore.has(id),
  };
}

export interface JobReaderOptions {
  /** @param ids all different */
  readRecords(ids: readonly string[]): Promise<readonly (JobRecord | undefined)[]>;
  /** Whether an error of `readRecords` applies to every job, as when the store is unavailable. */
  isShared(error: unknown): boolean;
  readonly retentionMs: number;
  readonly succeeded: SucceededJobs;
}

/** Reads jobs of one type. */
export interface JobReader {
  read(id: string): Promise<Job | undefined>;
}

/**
 * Reads all jobs that are asked for in one turn of the event loop in one round trip, and each of them once: many clients may follow one job,
 * and one event wakes them all. A read never joins one that was sent before, so that the reader of an event sees what it announced.
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
    if (job?.status === 'Succeeded') succeeded.keep(job, record?.result?.length ?? 0);
    return job;
  }

  return {
    async read(id) {
      const known = succeeded.find(id);
      if (known !== undefined) {
        // Replies then leave together, which wakes a proxy or a client on this machine once for many.
        await endOfTurn();
        return known;
      }
      const shared = reads.get(id) ?? readNow(id);
      reads.set(id, shared);
      return shared;
    },
  };
}

let end: Promise<void> | undefined;

/** One promise for all callers of this turn of the event loop, which resolves after the sockets were read. */
function endOfTurn(): Promise<void> {
  end ??= new Promise((resolve) => {
    setImmediate(() => {
      end = undefined;
      resolve();
    });
  });
  return end;
}
