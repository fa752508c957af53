import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { defineJob } from '../../../../src/index.ts';

/** Publishes the numbers from 1 to `count`, each in some milliseconds. */
export default defineJob({
  name: 'teller',
  collection: 'tellers',
  description: 'Publishes numbers.',
  input: z.object({ count: z.int32().min(0), pauseMs: z.int32().min(0).default(1) }),
  result: z.object({ count: z.int32() }),
  async run({ count, pauseMs }, { output, signal }) {
    for (let number = 1; number <= count; number += 1) {
      await output(number);
      await delay(pauseMs, undefined, { signal });
    }
    return { count };
  },
});
