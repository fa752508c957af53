import { LRUCache } from 'lru-cache';
import type { SucceededJob } from '../core/job.ts';

/** Characters of the results that are kept together. */
const MAX_CHARACTERS = 32_000_000;
/** What a job takes beside its result. */
const JOB_CHARACTERS = 1000;
/** Milliseconds for which a job is kept: one that an operator takes out of the store is gone before long. */
const MAX_AGE_MS = 5000;
/** Of the jobs that were submitted last, so many are expected, and up to twice as many. */
const MIN_EXPECTED = 500;
/** Where nobody has listened for so many milliseconds, none is: their ends are not heard of. */
const LISTENED_MS = 5000;

/** Jobs of a process that have succeeded: nothing of them changes any more. Bounded, for all types together. */
export interface SucceededJobs {
  /** Undefined for one that has expired, too: an idempotency key may give its id to another. */
  find(id: string): SucceededJob | undefined;
  /** @param characters of its result */
  keep(job: SucceededJob, characters: number): void;
  /** Somebody begins to listen here, so that the ends of jobs are heard of for a while. */
  listened(): void;
  /** The job was submitted here, so its client is likely to come back here for what it comes to. */
  expect(id: string): void;
  isExpected(id: string): boolean;
}

/** @param now milliseconds */
export function createSucceededJobs(now: () => number = () => performance.now()): SucceededJobs {
  const perf = { now };
  const kept = new LRUCache<string, SucceededJob>({ maxSize: MAX_CHARACTERS, ttl: MAX_AGE_MS, ttlResolution: 0, perf });
  let expected = new Set<string>();
  let expectedBefore = new Set<string>();
  let listenedAt = -Infinity;
  return {
    find(id) {
      const job = kept.get(id);
      return job !== undefined && job.expiresAt.getTime() > Date.now() ? job : undefined;
    },
    keep: (job, characters) => void kept.set(job.id, job, { size: JOB_CHARACTERS + characters }),
    listened() {
      listenedAt = now();
    },
    expect(id) {
      if (now() - listenedAt > LISTENED_MS) return;
      expected.add(id);
      if (expected.size < MIN_EXPECTED) return;
      expectedBefore = expected;
      expected = new Set();
    },
    isExpected: (id) => expected.has(id) || expectedBefore.has(id),
  };
}
