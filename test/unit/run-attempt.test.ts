import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { isoDatetimeToDate, stringToBigInt } from '../../src/core/codecs.ts';
import { type JobContext, type JobType, defineJob } from '../../src/core/define-job.ts';
import { createProviders } from '../../src/core/providers.ts';
import { JobError } from '../../src/core/job-error.ts';
import type { AttemptOutcome, Logger } from '../../src/core/ports.ts';
import { runAttempt } from '../../src/core/attempt/run-attempt.ts';
import { createLogger } from '../../src/observability/logger.ts';

/** Runs a job type once. */
const runOnce = (type: JobType, log: Logger, input: unknown): Promise<AttemptOutcome> =>
  runAttempt(type, {
    id: 'plain_AAAAAAAAAAAAAAAAAAAAAA',
    attempt: 1,
    input,
    use: createProviders({}).use,
    log: () => log,
    isConnectionError: (error) => error instanceof TypeError,
    onInterruption: () => () => undefined,
    writeProgress: async () => undefined,
    hasOutput: false,
    storeOutput: async ({ pieces }) => pieces.length,
  });

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
  const outcome = await runOnce(type, log, input);
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

  it('decodes the input, and encodes the result', async () => {
    const values = z.object({ at: isoDatetimeToDate, big: stringToBigInt, list: z.array(isoDatetimeToDate) });
    const type = defineJob({
      name: 'plain',
      collection: 'plain',
      description: 'Does what the test says.',
      input: values,
      result: values,
      run: ({ at, big, list }) => ({ at: new Date(at.getTime() + 1), big: big + 1n, list }),
    });
    const at = '2026-03-01T12:00:00Z';
    const outcome = await runOnce(type, createLogger('silent'), { at, big: '99999999999999999999', list: [at] });
    expect(outcome).toEqual({
      kind: 'succeeded',
      result: {
        at: '2026-03-01T12:00:00.001Z',
        big: '100000000000000000000',
        list: ['2026-03-01T12:00:00.000Z'],
      },
    });
  });

  it.each([
    ['an invalid date', { at: new Date(Number.NaN) }],
    ['a date that has no text of the schema', { at: new Date(8.64e15) }],
    ['text in place of a date', { at: '2026-03-01T12:00:00Z' }],
    ['no date', {}],
  ])('does not accept %s as a result', async (_, result) => {
    const type = defineJob({
      name: 'plain',
      collection: 'plain',
      description: 'Does what the test says.',
      input: z.object({}),
      result: z.object({ at: isoDatetimeToDate }),
      // As JavaScript may return it.
      run: () => result as { at: Date },
    });
    const outcome = await runOnce(type, createLogger('silent'), {});
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'INVALID_RESULT' } });
  });
});

describe('a resource', () => {
  it('is read as its schema encodes it', async () => {
    const { resource } = defineJob({
      name: 'plain',
      collection: 'plain',
      description: 'Does what the test says.',
      input: z.object({}),
      result: z.object({ id: stringToBigInt, at: isoDatetimeToDate }),
      resource: {
        idOf: ({ id, at }) => `${id + 1n}-${at.getTime()}`,
        find: async (id) => (id === '1' ? { id: 1n, at: new Date(0) } : undefined),
      },
      run: () => ({ id: 1n, at: new Date(0) }),
    });
    const { use } = createProviders({});
    const read = { id: '1', at: '1970-01-01T00:00:00.000Z' };
    expect(await resource?.find('1', use)).toEqual(read);
    expect(await resource?.find('2', use)).toBeUndefined();
    // As it is stored.
    expect(resource?.idOf(read as never)).toBe('2-0');
  });
});
