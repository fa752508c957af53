import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob } from '../../src/core/define-job.ts';
import { JobError } from '../../src/core/job-error.ts';
import type { JobEvent } from '../../src/core/ports.ts';
import { MAX_RESULT_BYTES } from '../../src/core/attempt/run-attempt.ts';
import { type ScriptedType, scripted, setUpQueue } from '../support/queue.ts';
import { BACKENDS } from '../support/stores.ts';

const FLOOD = 5000;

/** A job type whose result is whatever its function returns. */
function returning(name: string, value: () => unknown): ScriptedType {
  const type = defineJob({
    name,
    collection: `${name.toLowerCase()}s`,
    description: 'Returns something.',
    input: z.object({ text: z.string() }),
    result: z.object({ value: z.unknown() }),
    run: () => ({ value: value() }),
  });
  return { type, runs: () => undefined };
}

const circle: { self?: unknown } = {};
circle.self = circle;

describe.each(BACKENDS)('the bounds of a job on %s', (backend) => {
  const plain = scripted('plain');
  const once = scripted('once', { attempts: 1, concurrency: 1 });
  const brief = scripted('brief', { attempts: 1, concurrency: 1, timeoutSeconds: 0.1 });
  const largest = returning('largest', () => 'x'.repeat(MAX_RESULT_BYTES - '{"value":""}'.length));
  const tooLarge = returning('huge', () => 'ü'.repeat(MAX_RESULT_BYTES / 2));
  const holdsItself = returning('circle', () => circle);
  const bigInt = returning('bigint', () => 1n);
  const types = [plain, once, brief, largest, tooLarge, holdsItself, bigInt];
  const test = setUpQueue(backend, types);
  const { add, finish, work } = test;

  it('a result of 1.5 MiB is read back', async () => {
    work();
    const done = await finish(await add(largest));
    expect(done).toMatchObject({ status: 'Succeeded' });
    expect(JSON.stringify('result' in done && done.result)).toHaveLength(MAX_RESULT_BYTES);
  });

  it('a progress message has up to 1,000 characters, and a longer one is truncated', async () => {
    plain.runs(async ({ text }, job) => {
      await job.progress(50, 'x'.repeat(1000));
      await job.progress(60, `${'y'.repeat(999)}😀`);
      return { text };
    });
    work();
    const done = await finish(await add(plain));
    expect(done.message).toBe(`${'y'.repeat(999)}\uFFFD`);
  });

  it('a larger result fails the job, once, with its size and the limit', async () => {
    work();
    const size = MAX_RESULT_BYTES + '{"value":""}'.length;
    expect(await finish(await add(tooLarge))).toMatchObject({
      status: 'Failed',
      attempt: 1,
      error: {
        code: 'INVALID_RESULT',
        message: `The job returned a result of ${size} bytes; the maximum is ${MAX_RESULT_BYTES}.`,
      },
    });
  });

  it.each([holdsItself, bigInt])('a result that is not JSON fails the job, once', async (type) => {
    work();
    expect(await finish(await add(type))).toMatchObject({
      status: 'Failed',
      attempt: 1,
      error: { code: 'INVALID_RESULT', message: expect.stringContaining('not JSON') },
    });
  });

  it('a function that never returns ends with JOB_TIMEOUT, and the only slot is free for the next job', async () => {
    brief.runs(() => new Promise(() => undefined));
    const jobs = [await add(brief), await add(brief)];
    work();
    for (const job of jobs) {
      expect(await finish(job)).toMatchObject({ status: 'Failed', error: { code: 'JOB_TIMEOUT' } });
    }
  });

  it('an error keeps its code and the first 1,000 characters of its message', async () => {
    once.runs(async () => {
      throw new JobError('LONG_STORY', 'y'.repeat(5000));
    });
    work();
    const { error, history } = { error: undefined, ...(await finish(await add(once))) };
    expect(error).toEqual({ code: 'LONG_STORY', message: 'y'.repeat(1000) });
    expect(history).toMatchObject([{ error }]);
  });

  it.each(['', 'not in capitals', `A${'B'.repeat(64)}`])('an error with the code "%s" has JOB_FAILED', async (code) => {
    once.runs(async () => {
      throw new JobError(code, 'in words');
    });
    work();
    expect(await finish(await add(once))).toMatchObject({ error: { code: 'JOB_FAILED', message: 'in words' } });
  });

  it('a flood of progress is few writes, the last of them before the end', async () => {
    plain.runs(async ({ text }, job) => {
      for (let count = 1; count <= FLOOD; count += 1) await job.progress((count / FLOOD) * 99, `step ${count}`);
      return { text };
    });
    const job = await add(plain);
    const told: JobEvent[] = [];
    const unsubscribe = test.events.subscribe(job.id, (event) => void told.push(event));
    work();
    expect(await finish(job)).toMatchObject({ status: 'Succeeded', message: `step ${FLOOD}` });
    unsubscribe();
    expect(told.filter(({ kind }) => kind === 'progress').length).toBeLessThan(FLOOD / 20);
  });
});
