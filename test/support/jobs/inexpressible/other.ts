import { z } from 'zod';
import { defineJob } from '../../../../src/core/define-job.ts';

/** A job type that the APIs cannot express. */
export default defineJob({
  name: 'other',
  collection: 'others',
  description: 'Does nothing.',
  input: z.object({ values: z.map(z.string(), z.int()) }),
  result: z.object({ ok: z.boolean() }),
  run: () => ({ ok: true }),
});
