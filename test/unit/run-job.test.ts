import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { JobError, type JobContext, defineJob, isoDateToDate, isoDatetimeToDate, z } from '../../src/index.ts';
import { runJob } from '../../src/testing/testing.ts';
import book from '../support/jobs/library/book.ts';
import report from '../support/jobs/files/report.ts';

/** A job type that does what the test says. */
function job(run: (context: JobContext) => unknown) {
  return defineJob({
    name: 'script',
    collection: 'scripts',
    description: 'Does what the test says.',
    input: z.object({ text: z.string().max(5).default('a') }),
    result: z.object({ text: z.string() }),
    timeoutSeconds: 0.05,
    async run({ text }, context) {
      await run(context);
      return { text };
    },
  });
}

describe('runJob', () => {
  it('returns the result, with defaults of the input, and each call of progress', async () => {
    const calls = Array.from({ length: 30 }, (_, index) => index);
    const type = job(async ({ progress, attempt }) => {
      expect(attempt).toBe(2);
      for (const percent of calls) await progress(percent, `${percent} %`);
    });
    expect(await runJob(type, {}, { attempt: 2 })).toEqual({
      result: { text: 'a' },
      error: undefined,
      cause: undefined,
      progress: calls.map((percentComplete) => ({ percentComplete, message: `${percentComplete} %` })),
      outputs: [],
      files: [],
    });
  });

  it('returns each value of output, as callers read it', async () => {
    const type = job(async ({ output }) => {
      void output('a');
      void output('b');
      await output({ at: new Date(0), none: undefined });
      await output(undefined).catch(() => undefined);
    });
    const { outputs, error } = await runJob(type, {});
    expect(error).toBeUndefined();
    expect(outputs).toEqual(['a', 'b', { at: '1970-01-01T00:00:00.000Z' }]);
  });

  it('keeps files in memory, and takes those of the input by their ids', async () => {
    const options = { files: { a: { name: 'a.txt', body: 'some text', contentType: 'text/plain' } } };
    const { result, files } = await runJob(report, { document: { id: 'a' }, size: 100_000 }, options);
    expect(result?.read?.bytes).toBe(9);
    expect(files.map(({ name, bytes }) => [name, bytes.length])).toEqual([
      ['report.pdf', 100_000],
      ['page 1 – ü.png', 10],
    ]);
    expect((await runJob(report, { document: { id: 'b' } }, options)).error?.code).toBe('INVALID_INPUT');
    expect((await runJob(report, { fails: 'foreign' })).error?.code).toBe('INVALID_RESULT');
    expect((await runJob(report, { fails: 'always' })).files).toEqual([]);
    expect((await runJob(report, { contentType: 'no type' })).cause).toMatchObject({ name: 'TypeError' });
  });

  it('returns the errors that callers read, and what the function threw', async () => {
    const bug = new TypeError('a bug');
    const failed = await runJob(
      job(() => Promise.reject(bug)),
      {},
    );
    expect(failed).toMatchObject({ result: undefined, error: { code: 'JOB_FAILED', retry: true }, cause: bug });

    const told = await runJob(
      job(() => Promise.reject(new JobError('BAD', 'Bad.', { retry: false }))),
      {},
    );
    expect(told.error).toEqual({ code: 'BAD', message: 'Bad.', retry: false });

    const late = await runJob(
      job(({ signal }) => delay(60_000, undefined, { signal })),
      {},
    );
    expect(late.error).toMatchObject({ code: 'JOB_TIMEOUT', retry: true });
  });

  it('checks the input as the API does', async () => {
    const { error } = await runJob(
      job(() => expect.fail('it ran')),
      { text: 'too long' },
    );
    expect(error).toEqual({ code: 'INVALID_INPUT', message: expect.stringMatching(/^text: Too big/), retry: false });
  });

  it('cancels by the signal', async () => {
    const controller = new AbortController();
    const type = job(() => {
      controller.abort();
      return delay(60_000, undefined, { ref: false });
    });
    expect((await runJob(type, {}, { signal: controller.signal })).error).toMatchObject({ code: 'JOB_CANCELED' });
    expect((await runJob(type, {}, { signal: AbortSignal.abort() })).error).toMatchObject({ code: 'JOB_CANCELED' });
  });

  it('decodes and encodes dates as the APIs do', async () => {
    const type = defineJob({
      name: 'reminder',
      collection: 'reminders',
      description: 'Reminds of a day, an hour before it begins.',
      input: z.object({ day: isoDateToDate }),
      result: z.object({ day: isoDateToDate, at: isoDatetimeToDate }),
      run: ({ day }) => ({ day, at: new Date(day.getTime() - 3_600_000) }),
    });
    const { result } = await runJob(type, { day: '2026-03-01' });
    expect(result).toEqual({ day: '2026-03-01', at: '2026-02-28T23:00:00.000Z' });
    expect((await runJob(type, { day: '2026-02-30' })).error?.code).toBe('INVALID_INPUT');
  });

  it('says which provider of the function is missing', async () => {
    const type = job(({ use }) => use('mailer'));
    await expect(runJob(type, {}, { providers: {} })).rejects.toThrow('pass { providers: { mailer: … } } to runJob');
  });

  it('gives functions the providers of the test', async () => {
    const stored: unknown[] = [];
    const library = {
      put: async (books: object[]) => {
        stored.push(...books);
        return books.map((one) => ({ book: { ...one, updatedAt: '2026-03-01T12:00:00Z' }, isNew: true }));
      },
    };
    const input = { id: '42', title: ' Jane  Eyre ', language: 'EN' };
    const { result } = await runJob(book, input, { providers: { library } });
    expect(result).toMatchObject({ id: '42', title: 'Jane Eyre', language: 'en' });
    expect(stored).toHaveLength(1);
  });
});
