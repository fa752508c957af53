import { z } from 'zod';
import { defineJob } from '../../../../src/core/define-job.ts';

/** Kills its worker if the input says so. */
export default defineJob({
  name: 'poison',
  collection: 'poisons',
  description: 'Kills its worker if the input says so.',
  input: z.object({ deadly: z.boolean() }),
  result: z.object({ survived: z.boolean() }),
  concurrency: 2,
  // A killed worker does not say that a job of the caller has left it.
  concurrencyPerCaller: 1,
  run(input) {
    if (input.deadly) process.kill(process.pid, 'SIGKILL');
    return { survived: true };
  },
});
