import { z } from 'zod';
import { defineJob } from '../../../../src/core/define-job.ts';

export default defineJob({
  name: 'yearly',
  collection: 'yearly-jobs',
  description: 'Wishes a happy new year.',
  input: z.object({ text: z.string() }),
  result: z.object({ text: z.string() }),
  schedule: { cron: '0 0 1 1 *', timezone: 'Europe/Berlin', input: { text: 'Happy new year' } },
  run: (input) => input,
});
