import type { Job } from '../core/job.ts';
import { createBatch } from './batch.ts';
import { endOfTurn } from './end-of-turn.ts';
import { type JobRecord, toJob } from './job-record.ts';
import type { SucceededJobs } from './succeeded-jobs.ts';

/** Jobs that one question to the store asks for. */
const MAX_JOBS = 200;

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
    if (job?.status === 'Succeeded') succeeded.keep(job, record?.result?.length ?? 0);
    return job;
  }

  return {
    async read(id) {
      const known = succeeded.find(id);
      if (known !== undefined) {
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
