import type { Job } from './job.ts';
import type { JobQueue } from './ports.ts';

/**
 * Makes one read of all that are asked for of the same job at a time: many may follow one job, and an event wakes them all.
 * None begins before it is asked for, so that whoever has heard of something reads what came of it.
 */
export function shareReads(read: JobQueue['read']): JobQueue['read'] {
  const reads = new Map<string, Promise<Job | undefined>>();

  async function readNow(id: string, type: string): Promise<Job | undefined> {
    await new Promise<void>((resolve) => void setImmediate(resolve));
    reads.delete(id);
    return read(id, type);
  }

  return (id, type) => {
    const shared = reads.get(id) ?? readNow(id, type);
    reads.set(id, shared);
    return shared;
  };
}
