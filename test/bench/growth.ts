import { type GrownStore, LOADS, growStore } from './grown-store.ts';
import type { BenchOptions } from './options.ts';
import type { Sample } from './samples.ts';
import type { Stores } from './stores.ts';
import { GROWTH, sizeName } from './targets.ts';

const TURNS = 3;

/**
 * What a submission, a poll, a list and a cancellation cost among so many pending jobs, and what each job takes of Redis. The sizes
 * take turns with each kind of request, and each has a Redis and an API of its own: what else the machine does falls on all alike.
 */
export function measureGrowth(stores: Stores, options: BenchOptions): Promise<Sample[]> {
  return stores.withEmpty(async (settings) => {
    const grown: GrownStore[] = [];
    try {
      for (const size of options.sizes) {
        grown.push(await growStore({ size, turns: TURNS, stores, settings, options }));
        process.stderr.write(`growth: the store with ${sizeName(size)} is there\n`);
      }
      const samples: Sample[] = grown.map(({ name, bytes }) => ({ path: GROWTH.memory, name, figures: { bytes } }));
      for (let turn = 0; turn < TURNS; turn += 1) {
        for (const key of LOADS) for (const { measureLoad } of grown) samples.push(await measureLoad(key, turn));
        for (const { measureAlone } of grown) samples.push(...(await measureAlone(turn)));
        process.stderr.write(`growth: turn ${turn + 1} of ${TURNS} is done\n`);
      }
      return samples;
    } finally {
      await Promise.all(grown.map(({ end }) => end()));
    }
  });
}
