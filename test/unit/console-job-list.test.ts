import { describe, expect, it } from 'vitest';
import { type JobPage, type JobRow, applyChanges } from '../../src/console/app/data/job-list.ts';
import { NO_FILTER, readFilter, toApiFilter, toQuery } from '../../src/console/app/data/job-filter.ts';

const time = (second: number): string => `2026-03-01T12:00:0${second}.000Z`;
const job = (id: string, second: number, other: Partial<JobRow> = {}): JobRow => ({
  id,
  type: 'book',
  status: 'PENDING',
  done: false,
  cancelRequested: false,
  percentComplete: 0,
  message: null,
  attempt: 0,
  maxAttempts: 3,
  createdAt: time(second),
  lastUpdatedAt: time(second),
  startedAt: null,
  finishedAt: null,
  caller: null,
  error: null,
  ...other,
});
const idsOf = ({ jobs }: JobPage): string[] => jobs.map(({ id }) => id);

describe('changes of a page of jobs', () => {
  const page: JobPage = { jobs: [job('c', 5), job('b', 4), job('a', 3)], next: 'more' };
  const newest = { filter: NO_FILTER, newest: true };

  it('replace the job that is shown, and leave its place', () => {
    const changed = applyChanges(page, [job('b', 4, { status: 'RUNNING', lastUpdatedAt: time(6) })], newest);
    expect(idsOf(changed)).toEqual(['c', 'b', 'a']);
    expect(changed.jobs[1]?.status).toBe('RUNNING');
  });

  it('do not undo what was read later', () => {
    const [read] = [job('b', 4, { status: 'SUCCEEDED', lastUpdatedAt: time(8) })];
    const changed = applyChanges({ ...page, jobs: [read] }, [job('b', 4, { lastUpdatedAt: time(6) })], newest);
    expect(changed.jobs).toEqual([read]);
  });

  it('add a job where its age puts it, on the page with the newest alone', () => {
    expect(idsOf(applyChanges(page, [job('d', 6)], newest))).toEqual(['d', 'c', 'b', 'a']);
    expect(idsOf(applyChanges(page, [job('d', 6)], { ...newest, newest: false }))).toEqual(['c', 'b', 'a']);
  });

  it('leave a job out that is older than the page, unless there is no other page', () => {
    expect(idsOf(applyChanges(page, [job('z', 1)], newest))).toEqual(['c', 'b', 'a']);
    expect(idsOf(applyChanges({ ...page, next: undefined }, [job('z', 1)], newest))).toEqual(['c', 'b', 'a', 'z']);
  });

  it('take a job away that has left the statuses of the filter', () => {
    const view = { filter: { statuses: ['PENDING' as const] }, newest: true };
    const changed = applyChanges(page, [job('b', 4, { status: 'RUNNING', lastUpdatedAt: time(6) })], view);
    expect(idsOf(changed)).toEqual(['c', 'a']);
  });
});

describe('the filter in a URL', () => {
  it('is read as it was written', () => {
    const query = 'type=book&status=pending,failed&caller=key:ada&tag=red&from=1h';
    const filter = readFilter(Object.fromEntries(new URLSearchParams(query)));
    expect(filter).toEqual({
      type: 'book',
      statuses: ['PENDING', 'FAILED'],
      caller: 'key:ada',
      tag: 'red',
      from: '1h',
    });
    expect(toApiFilter(filter, 0)).toMatchObject({ caller: 'key:ada', tag: 'red' });
    expect(toQuery(filter)).toBe(query);
  });

  it('ignores what it does not know', () => {
    expect(readFilter({ status: 'nope,FAILED', type: '', other: 'x' })).toEqual({ statuses: ['FAILED'] });
    expect(toApiFilter({ statuses: [], from: 'yesterday' }, 0)).toEqual({});
  });

  it('counts a period back from now', () => {
    expect(toApiFilter({ statuses: [], from: '15m', to: time(5) }, Date.parse(time(0)))).toEqual({
      createdAfter: '2026-03-01T11:45:00.000Z',
      createdBefore: time(5),
    });
  });
});
