import { z } from 'zod';
import { defineJob } from '../../../../src/core/define-job.ts';

/** A job type that the APIs cannot express. */
export default defineJob({
  name: 'one',
  collection: 'ones',
  description: 'Does nothing.',
  input: z.object({ due: z.date(), pairs: z.array(z.tuple([z.string(), z.int()])) }),
  result: z.object({ ok: z.boolean() }),
  run: () => ({ ok: true }),
});
