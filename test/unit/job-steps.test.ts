import { describe, expect, it } from 'vitest';
import type { Job } from '../../src/core/job.ts';
import { progressed, stepsUpTo } from '../../src/core/service/follow.ts';

const at = (ms: number): Date => new Date(ms);
const error = { code: 'JOB_FAILED', message: 'No.' };

const base = {
  id: 'book_AAAAAAAAAAAAAAAAAAAAAA',
  type: 'book',
  caller: 'anonymous',
  percentComplete: 0,
  message: null,
  maxAttempts: 3,
  createdAt: at(0),
  history: [],
};
const failedOnce = [{ attempt: 1, startedAt: at(10), finishedAt: at(20), error }];
const failedTwice = [...failedOnce, { attempt: 2, startedAt: at(30), finishedAt: at(40), error }];

const pending: Job = { ...base, status: 'Pending', attempt: 0, lastUpdatedAt: at(0), startedAt: null };
const running: Job = { ...base, status: 'Running', attempt: 1, lastUpdatedAt: at(10), startedAt: at(10) };
const waiting: Job = { ...running, status: 'Pending', lastUpdatedAt: at(20), history: failedOnce };
const runningAgain: Job = { ...waiting, status: 'Running', attempt: 2, lastUpdatedAt: at(30), startedAt: at(30) };
const done = { finishedAt: at(40), expiresAt: at(1000), lastUpdatedAt: at(40) };
const succeeded: Job = { ...runningAgain, ...done, status: 'Succeeded', percentComplete: 100, result: {} };
const failed: Job = { ...runningAgain, ...done, status: 'Failed', error, history: failedTwice };
const canceled: Job = { ...pending, ...done, status: 'Canceled', error };

const brief = (job: Job): string => `${job.status} ${job.attempt} ${job.lastUpdatedAt.getTime()}`;

describe('the steps between two reads of a job', () => {
  it.each([
    ['a start', 'started', pending, running, ['Running 1 10']],
    ['a start that has been seen', 'started', running, running, []],
    ['a start that the job has long passed', 'started', pending, failed, ['Running 1 10']],
    ['a start after a wait without an event', 'started', running, runningAgain, ['Pending 1 20', 'Running 2 30']],
    ['a wait', 'waiting', running, waiting, ['Pending 1 20']],
    ['a wait that the job has long passed', 'waiting', running, succeeded, ['Pending 1 20']],
    ['a wait before the first start', 'waiting', pending, failed, []],
    ['a job that its worker returned', 'waiting', running, pending, ['Pending 0 0']],
    ['an end', 'finished', runningAgain, succeeded, ['Succeeded 2 40']],
    [
      'an end without earlier events',
      'finished',
      pending,
      failed,
      ['Running 1 10', 'Pending 1 20', 'Running 2 30', 'Failed 2 40'],
    ],
    ['an end without a start', 'finished', pending, canceled, ['Canceled 0 40']],
    ['an end that a retry has undone', 'finished', pending, pending, []],
    ['lost events', 'lost', pending, runningAgain, ['Running 1 10', 'Pending 1 20', 'Running 2 30']],
  ] as const)('%s', (_, kind, last, now, expected) => {
    expect(stepsUpTo({ kind }, last, now).map(brief)).toEqual(expected);
  });

  it('end with the state read, if there was no event', () => {
    expect(stepsUpTo(undefined, pending, succeeded).at(-1)).toEqual(succeeded);
    expect(stepsUpTo(undefined, succeeded, succeeded)).toEqual([]);
  });

  it('never go back in time if the clocks of two workers differ', () => {
    const ahead: Job = { ...pending, lastUpdatedAt: at(25) };
    expect(stepsUpTo({ kind: 'finished' }, ahead, failed).map(brief)).toEqual([
      'Running 1 25',
      'Pending 1 25',
      'Running 2 30',
      'Failed 2 40',
    ]);
  });

  it('have the history up to each step', () => {
    const histories = stepsUpTo({ kind: 'finished' }, pending, failed).map(({ history }) => history.length);
    expect(histories).toEqual([0, 1, 1, 2]);
  });
});

describe('progress', () => {
  const progress = (percentComplete: number, ms: number) =>
    ({ kind: 'progress', percentComplete, message: 'on', at: at(ms) }) as const;

  it('is a step of a running job', () => {
    expect(progressed(running, progress(40, 15))).toEqual([
      { ...running, percentComplete: 40, message: 'on', lastUpdatedAt: at(15) },
    ]);
  });

  it.each([
    ['of a job that is not running', pending, progress(40, 15)],
    ['older than the known state', running, progress(40, 9)],
    ['of the same time without a change', { ...running, percentComplete: 40 }, progress(40, 10)],
  ] as const)('is ignored if it is %s', (_, last, event) => {
    expect(progressed(last, event)).toEqual([]);
  });
});
