import { Counter, Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createTallies } from '../../src/observability/tallies.ts';

const BUCKETS = [0.005, 1, 10];
const ODD = 'a "quote",\\ a \\n and\na line';

describe('counters and histograms', () => {
  it('have the text that prom-client makes of them', async () => {
    const options = { help: 'Counts.', labelNames: ['type', 'code'] };
    const tallies = createTallies();
    const registry = new Registry();
    const registers = [registry];
    const add = tallies.addCounter({ name: 'count_total', ...options });
    const counter = new Counter({ name: 'count_total', ...options, registers });
    const observe = tallies.addHistogram({ name: 'seconds', ...options, buckets: BUCKETS });
    const histogram = new Histogram({ name: 'seconds', ...options, buckets: BUCKETS, registers });
    tallies.addCounter({ name: 'never_total', ...options });
    const never = new Counter({ name: 'never_total', ...options, registers });
    never.reset();
    for (const [type, code, amount] of [
      ['a', '', 0],
      ['a', 'x', 1],
      ['b', '', 2],
      ['a', 'x', 1],
      ['x', 'a', 1],
      ['b', ODD, 1],
    ] as const) {
      add([type, code], amount);
      counter.inc({ type, code }, amount);
    }
    for (const [type, value] of [
      ['a', 0],
      ['a', 0.005],
      ['a', 0.0051],
      ['a', 10],
      ['a', 10.25],
      ['b', 2],
    ] as const) {
      observe([type, ''], value);
      histogram.observe({ type, code: '' }, value);
    }
    expect(tallies.render()).toBe(await registry.metrics());
  });
});
