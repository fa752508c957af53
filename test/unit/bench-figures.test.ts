import { describe, expect, it } from 'vitest';
import { alternating } from '../bench/measures/measure.ts';
import { type Sample, pairedRatio, summarize } from '../bench/report/samples.ts';
import { isPicked, median, percentile } from '../bench/report/statistics.ts';
import { checkTargets } from '../bench/report/targets.ts';

const submit = (name: string, perSecond: number, p99: number, pair = '1'): Sample => ({
  path: 'submit',
  name,
  pair,
  figures: { perSecond, p99 },
});

describe('statistics of the benchmark', () => {
  it('takes the middle value as the median, or the mean of the two in the middle', () => {
    expect(median([30, 10, 20])).toBe(20);
    expect(median([40, 10, 30, 20])).toBe(25);
  });

  it('computes percentiles by nearest rank', () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index);
    expect([50, 99, 100].map((percent) => percentile(values, percent))).toEqual([100, 198, 200]);
    expect(percentile([], 99)).toBe(0);
  });

  it('picks items that are spread evenly', () => {
    const picked = (amount: number, all: number): number[] =>
      Array.from({ length: all }, (_, index) => index).filter((index) => isPicked(index, amount, all));
    expect(picked(2, 10)).toEqual([4, 9]);
    expect(picked(300, 1000)).toHaveLength(300);
    expect(picked(3, 3)).toEqual([0, 1, 2]);
    expect(picked(0, 3)).toEqual([]);
  });

  it('summarizes each contender, path and metric', () => {
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
});

describe('a comparison of the benchmark', () => {
  const ratio = (samples: readonly Sample[]) =>
    pairedRatio(samples, { path: 'submit', name: 'accepted', over: 'before', metric: 'perSecond' });

  it('compares figures of the same turn, whatever the machine did in other turns', () => {
    const samples = [
      submit('accepted', 110, 1, '1.1'),
      submit('before', 100, 1, '1.1'),
      submit('before', 10, 1, '1.2'),
      submit('accepted', 11, 1, '1.2'),
      submit('accepted', 60, 1, '2.1'),
      submit('before', 50, 1, '2.1'),
    ];
    expect(ratio(samples)).toEqual({ median: 1.1, min: 1.1, max: 1.2, pairs: 3 });
  });

  it('ignores a turn that one of the two failed', () => {
    const failed = submit('accepted', 300, 1, '1.2');
    expect(ratio([submit('accepted', 90, 1), submit('before', 100, 1), failed])).toMatchObject({
      median: 0.9,
      pairs: 1,
    });
    expect(ratio([failed, submit('before', 100, 1)])).toBeUndefined();
  });

  it('reverses the order of the contenders in every other turn', () => {
    expect([...alternating(['a', 'b'], 3)].map(({ turn, item }) => `${turn}${item}`)).toEqual([
      '1a',
      '1b',
      '2b',
      '2a',
      '3a',
      '3b',
    ]);
  });
});

describe('a target of the benchmark', () => {
  it('is checked where its figures were measured', () => {
    const samples = [
      submit('node-http', 1000, 20),
      submit('accepted-rest', 940, 30),
      submit('accepted-graphql', 900, 31),
    ];
    const checked = checkTargets(samples).map(({ claim, value, holds }) => ({ claim, value, holds }));
    expect(checked).toEqual([
      { claim: 'submit: accepted-graphql / node-http', value: 0.9, holds: true },
      { claim: 'submit: accepted-rest / node-http', value: 0.94, holds: false },
      { claim: 'submit: p99 of accepted-graphql, ms', value: 31, holds: true },
      { claim: 'submit: p99 of accepted-graphql / node-http', value: 1.55, holds: false },
      { claim: 'submit: p99 of accepted-rest, ms', value: 30, holds: true },
      { claim: 'submit: p99 of accepted-rest / node-http', value: 1.5, holds: true },
    ]);
  });

  it('compares two sizes of the store turn by turn', () => {
    const polls = (name: string, values: readonly number[]): Sample[] =>
      values.map((perSecond, turn) => ({
        path: 'growth: poll, GraphQL',
        name,
        pair: `${turn}`,
        figures: { perSecond },
      }));
    const among = (million: readonly number[]) =>
      checkTargets([...polls('1,000 jobs', [1000, 1100, 500]), ...polls('1,000,000 jobs', million)]);
    const claim = 'growth: poll, GraphQL: 1,000,000 jobs / 1,000 jobs';
    expect(among([900, 2200, 100])).toMatchObject([{ claim, value: 0.9, holds: true }]);
    expect(among([899, 2200, 100])).toMatchObject([{ claim, holds: false }]);
  });
});
