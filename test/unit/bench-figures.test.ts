import { describe, expect, it } from 'vitest';
import { type Sample, summarize } from '../bench/samples.ts';
import { isPicked, median, percentile } from '../bench/statistics.ts';
import { checkTargets } from '../bench/targets.ts';

const submit = (name: string, perSecond: number, p99: number): Sample => ({
  path: 'submit',
  name,
  figures: { perSecond, p99 },
});

const poll = (jobs: string, perSecond: number): Sample => ({
  path: 'growth: poll, GraphQL',
  name: jobs,
  figures: { perSecond },
});

describe('the figures of the benchmark', () => {
  it('have the middle value, or the mean of the two in the middle, as their median', () => {
    expect(median([30, 10, 20])).toBe(20);
    expect(median([40, 10, 30, 20])).toBe(25);
  });

  it('have percentiles by nearest rank', () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index);
    expect([50, 99, 100].map((percent) => percentile(values, percent))).toEqual([100, 198, 200]);
  });

  it('are taken of values that lie evenly over all', () => {
    const picked = (amount: number, all: number): number[] =>
      Array.from({ length: all }, (_, index) => index).filter((index) => isPicked(index, amount, all));
    expect(picked(2, 10)).toEqual([4, 9]);
    expect(picked(300, 1000)).toHaveLength(300);
    expect(picked(3, 3)).toEqual([0, 1, 2]);
    expect(picked(0, 3)).toEqual([]);
  });

  it('are summed up for each contender, path and metric', () => {
    const samples = [
      submit('yoga', 100, 9),
      submit('node-http', 500, 1),
      submit('yoga', 300, 5),
      submit('yoga', 120, 7),
    ];
    expect(summarize(samples)).toEqual([
      { path: 'submit', name: 'yoga', metric: 'perSecond', median: 120, min: 100, max: 300, turns: 3 },
      { path: 'submit', name: 'yoga', metric: 'p99', median: 7, min: 5, max: 9, turns: 3 },
      { path: 'submit', name: 'node-http', metric: 'perSecond', median: 500, min: 500, max: 500, turns: 1 },
      { path: 'submit', name: 'node-http', metric: 'p99', median: 1, min: 1, max: 1, turns: 1 },
    ]);
  });

  it('are held against what must hold, where they have been measured', () => {
    const samples = [
      submit('node-http', 1000, 20),
      submit('accepted-rest', 940, 30),
      submit('accepted-graphql', 900, 31),
    ];
    const checked = checkTargets(summarize(samples)).map(({ claim, value, holds }) => ({ claim, value, holds }));
    expect(checked).toEqual([
      { claim: 'submit: accepted-graphql / node-http', value: 0.9, holds: true },
      { claim: 'submit: accepted-rest / node-http', value: 0.94, holds: false },
      { claim: 'submit: p99 of accepted-graphql, ms', value: 31, holds: true },
      { claim: 'submit: p99 of accepted-graphql / node-http', value: 1.55, holds: false },
      { claim: 'submit: p99 of accepted-rest, ms', value: 30, holds: true },
      { claim: 'submit: p99 of accepted-rest / node-http', value: 1.5, holds: true },
    ]);
  });

  it('hold when polls among a million jobs are nearly as many as among a thousand, by the medians of their turns', () => {
    const among = (million: readonly number[]) => {
      const samples = [poll('1,000 jobs', 1000), poll('1,000 jobs', 1100), poll('1,000 jobs', 500)];
      return checkTargets(summarize([...samples, ...million.map((perSecond) => poll('1,000,000 jobs', perSecond))]));
    };
    const claim = 'growth: poll, GraphQL: 1,000,000 jobs / 1,000 jobs';
    expect(among([100, 900, 2000])).toMatchObject([{ claim, value: 0.9, holds: true }]);
    expect(among([100, 899, 2000])).toMatchObject([{ claim, holds: false }]);
  });
});
