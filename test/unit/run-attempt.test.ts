import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type JobContext, defineJob } from '../../src/core/define-job.ts';
import { createProviders } from '../../src/core/providers.ts';
import { JobError } from '../../src/core/job-error.ts';
import type { AttemptOutcome } from '../../src/core/ports.ts';
import { runAttempt } from '../../src/core/attempt/run-attempt.ts';
import { createLogger } from '../../src/observability/logger.ts';

/** Runs a function once, and collects what it logs as errors. */
async function attempt(run: (job: JobContext) => Promise<void>, input: unknown = { text: 'a' }) {
  const logged: { fields: object; message: string }[] = [];
  const log = Object.assign(createLogger('silent'), {
    error: (fields: object, message: string) => void logged.push({ fields, message }),
  });
  const type = defineJob({
    name: 'plain',
    collection: 'plain',
    description: 'Does what the test says.',
    input: z.object({ text: z.string() }),
    result: z.object({ text: z.string() }),
    outageSeconds: 60,
    async run({ text }, job) {
      await run(job);
      return { text };
    },
  });
  const outcome: AttemptOutcome = await runAttempt(type, {
    id: 'plain_AAAAAAAAAAAAAAAAAAAAAA',
    attempt: 1,
    input,
    use: createProviders({}).use,
    log: () => log,
    isConnectionError: (error) => error instanceof TypeError,
    onInterruption: () => () => undefined,
    writeProgress: async () => undefined,
  });
  return { outcome, logged };
}

describe('an attempt', () => {
  it('logs once that progress messages are too long, without them', async () => {
    const { outcome, logged } = await attempt(async (job) => {
      await job.progress(1, 'x'.repeat(1000));
      await job.progress(2, 'x'.repeat(1001));
      await job.progress(3, 'x'.repeat(1002));
    });
    expect(outcome.kind).toBe('succeeded');
    expect(logged).toEqual([
      { fields: { length: 1001 }, message: 'a progress message is longer than 1000 characters, and was truncated' },
    ]);
  });

  it.each<[string, Error, Partial<AttemptOutcome>]>([
    ['a connection error', new TypeError('fetch failed'), { kind: 'postponed', until: 'outage-ends', maxSeconds: 60 }],
    [
      'a JobError with retryAfter',
      new JobError('BUSY', 'Busy.', { retryAfter: 5 }),
      { kind: 'postponed', retryAfter: 5, message: 'Busy.', error: { code: 'BUSY', message: 'Busy.' } },
    ],
    ['one without retry', new JobError('NO', 'No.', { retry: false, retryAfter: 5 }), { kind: 'failed', retry: false }],
    ['another error', new Error('no'), { kind: 'failed', retry: true }],
  ])('ends by %s', async (_, error, expected) => {
    const { outcome } = await attempt(async () => {
      throw error;
    });
    expect(outcome).toMatchObject(expected);
  });

  it('of a job whose input the schema refuses is postponed', async () => {
    const { outcome } = await attempt(async () => undefined, { text: 5 });
    expect(outcome).toMatchObject({ kind: 'postponed', until: 'newer-worker', error: { code: 'INVALID_INPUT' } });
  });
});
