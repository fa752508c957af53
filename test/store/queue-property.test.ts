import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JobError } from '../../src/core/job-error.ts';
import { type Job, type JobStatus, isDone } from '../../src/core/job.ts';
import type { QueueSide } from '../support/queue.ts';
import { scripted, setUpQueue } from '../support/queue.ts';
import { BACKENDS } from '../support/stores.ts';

const SECONDS = 7;
const ATTEMPTS = 3;

/** What may be seen after a status, with nothing seen in between, unless the job was retried. */
const NEXT: Record<JobStatus, readonly JobStatus[]> = {
  Pending: ['Pending', 'Running', 'Succeeded', 'Failed', 'Canceled'],
  Running: ['Running', 'Pending', 'Succeeded', 'Failed', 'Canceled'],
  Succeeded: ['Succeeded'],
  Failed: ['Failed'],
  Canceled: ['Canceled'],
};

/** What each attempt of a job does, as its input says. */
type Script = ('succeed' | 'fail' | 'fail for good' | 'linger')[];
type Act = { readonly kind: 'cancel' | 'retry' | 'read' | 'list'; readonly side: number; readonly turns: number };

interface Plan {
  readonly script: Script;
  readonly acts: readonly Act[];
}

const planOf: fc.Arbitrary<Plan> = fc.record({
  script: fc.array(fc.constantFrom('succeed', 'fail', 'fail for good', 'linger'), { minLength: 1, maxLength: 6 }),
  acts: fc.array(
    fc.record({
      kind: fc.constantFrom('cancel', 'retry', 'read', 'list'),
      side: fc.nat(1),
      turns: fc.nat(60),
    }),
    { maxLength: 8 },
  ),
});

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** One job as one reader sees it, who knows how many retries were answered before it asked, and sent until it was answered. */
function createReader() {
  let last: Job | undefined;
  let retried = 0;
  return {
    see(job: Job, { answered, sent }: { answered: number; sent: number }): void {
      if (job.status === 'Succeeded') {
        expect(job.result).toEqual({ text: expect.any(String) });
        expect(job.percentComplete).toBe(100);
      }
      if (job.status === 'Failed' || job.status === 'Canceled') {
        expect(job.error).toEqual({ code: expect.any(String), message: expect.any(String) });
        expect(job).not.toHaveProperty('result');
      }
      expect(job.attempt).toBeLessThanOrEqual(job.maxAttempts);
      expect(job.history.length).toBeLessThanOrEqual(job.attempt);
      if (last !== undefined) {
        if (sent === retried) expect(NEXT[last.status]).toContain(job.status);
        expect(job.attempt).toBeGreaterThanOrEqual(last.attempt);
        expect(job.lastUpdatedAt.getTime()).toBeGreaterThanOrEqual(last.lastUpdatedAt.getTime());
        expect(job.history.length).toBeGreaterThanOrEqual(last.history.length);
      }
      last = job;
      retried = answered;
    },
  };
}

describe.each(BACKENDS)('any order of what happens to jobs on %s', (backend) => {
  const plain = scripted('plain', { attempts: ATTEMPTS, concurrency: 4, backoffSeconds: 0.001 });
  const test = setUpQueue(backend, [plain]);

  plain.runs(async ({ text }, job) => {
    // The text is what this test submits.
    const script = JSON.parse(text) as Script;
    const step = script[(job.attempt - 1) % script.length];
    await job.progress(10 * job.attempt, step);
    if (step === 'linger') for (let turns = 0; turns < 40 && !job.signal.aborted; turns += 1) await turn();
    if (step === 'fail for good') throw new JobError('FOR_GOOD', 'The job failed on purpose.', { retry: false });
    if (step === 'fail') throw new JobError('AGAIN', 'The job failed on purpose.');
    return { text };
  });

  it('shows every reader one job that only goes forward', async () => {
    const sides: readonly [QueueSide, QueueSide] = [test, await test.otherSide()];
    for (const side of sides) test.work(side);

    const run = async ({ script, acts }: Plan): Promise<void> => {
      const job = await test.add(plain, JSON.stringify(script));
      const retries = { answered: 0, sent: 0 };
      let lastAnswer: 'canceled' | 'retried' | undefined;
      const over = new AbortController();
      const read = async (side: QueueSide, reader: ReturnType<typeof createReader>): Promise<Job> => {
        const { answered } = retries;
        const found = await side.queue.read(job.id, job.type);
        if (found === undefined) throw new Error('the job is gone');
        reader.see(found, { answered, sent: retries.sent });
        return found;
      };
      const readers = [...sides, ...sides].map(async (side) => {
        const reader = createReader();
        while (!over.signal.aborted) {
          await read(side, reader);
          await turn();
        }
        return read(side, reader);
      });
      const actor = async (): Promise<void> => {
        const reader = createReader();
        for (const { kind, side: index, turns } of acts) {
          for (let count = 0; count < turns; count += 1) await turn();
          const side = sides[index] ?? test;
          if (kind === 'cancel' && (await side.queue.cancel(job))) lastAnswer = 'canceled';
          if (kind === 'retry') {
            retries.sent += 1;
            if (await side.queue.retry(job, ATTEMPTS)) lastAnswer = 'retried';
            retries.answered += 1;
          }
          if (kind === 'list') {
            const query = { caller: job.caller, types: ['plain'], statuses: ['Succeeded', 'Running'] as const };
            const { jobs } = await side.queue.list({ ...query, after: undefined, limit: 20 });
            for (const each of jobs) {
              expect(query.statuses).toContain(each.status);
            }
          }
          await read(side, reader);
        }
      };
      const ended = actor()
        .then(() => test.finish(job))
        .finally(() => over.abort());
      const [finals] = await Promise.all([Promise.all(readers), ended]);
      for (const final of finals) {
        expect(isDone(final)).toBe(true);
        expect(final).toEqual(finals[0]);
        if (lastAnswer === 'canceled') expect(final.status).toBe('Canceled');
        else expect(final.status === 'Canceled').toBe(false);
      }
    };

    await fc.assert(
      fc.asyncProperty(fc.array(planOf, { minLength: 1, maxLength: 6 }), async (plans) => {
        await Promise.all(plans.map(run));
      }),
      { numRuns: 1000, interruptAfterTimeLimit: SECONDS * 1000, endOnFailure: true },
    );
  });
});
