import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { writePlots } from '../bench/report/plots.ts';
import { summarize } from '../bench/report/samples.ts';
import { type Chart, renderChart } from '../bench/report/svg-chart.ts';

const point = (x: number, y: number) => ({ x, y, min: y, max: y });
const chart: Chart = {
  title: 'Polls & "lists" < 1 s',
  xLabel: 'jobs',
  yLabel: 'ms',
  yScale: 'linear',
  lines: [{ name: 'poll', points: [point(1000, 0), point(100_000, 50), point(1_000_000, 100)] }],
};
const texts = (svg: string): string[] => [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, content = '']) => content);
const lineOf = (svg: string): number[][] =>
  (/<polyline points="([^"]*)"/.exec(svg)?.[1] ?? '').split(' ').map((pair) => pair.split(',').map(Number));

describe('a chart of the benchmark', () => {
  it('has a title, labels, ticks and a legend, and escapes the reserved characters of XML', () => {
    expect(texts(renderChart(chart))).toEqual(
      expect.arrayContaining([
        'Polls &amp; &quot;lists&quot; &lt; 1 s',
        'jobs',
        'ms',
        'poll',
        '1,000',
        '1,000,000',
        '0',
      ]),
    );
  });

  it('has a logarithmic horizontal axis', () => {
    const [[first = 0] = [], [second = 0] = [], [third = 0] = []] = lineOf(renderChart(chart));
    expect((second - first) / (third - first)).toBeCloseTo(2 / 3, 2);
  });

  it('has a linear vertical axis from 0, or a logarithmic one', () => {
    const heights = (yScale: Chart['yScale'], values: readonly number[]): number[] => {
      const points = values.map((value, index) => point(10 ** index, value));
      return lineOf(renderChart({ ...chart, yScale, lines: [{ name: 'poll', points }] })).map(([, y = 0]) => y);
    };
    const [none = 0, half = 0, all = 0] = heights('linear', [0, 50, 100]);
    expect((none - half) / (none - all)).toBeCloseTo(0.5, 2);
    const [one = 0, ten = 0, hundred = 0] = heights('log', [1, 10, 100]);
    expect((one - ten) / (one - hundred)).toBeCloseTo(0.5, 2);
  });

  it('is written only for what was measured, and omits 0 watchers', () => {
    const folder = mkdtempSync(join(tmpdir(), 'accepted-plots-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const watchers = (name: string, rss: number) => ({ path: 'watchers: REST', name, pair: '1', figures: { rss } });
    writePlots(
      folder,
      summarize([watchers('0 watchers', 90), watchers('1 watcher', 100), watchers('10,000 watchers', 200)]),
    );
    expect(readdirSync(folder)).toEqual(['watchers-memory.svg']);
    expect(lineOf(readFileSync(join(folder, 'watchers-memory.svg'), 'utf8'))).toHaveLength(2);
  });
});
