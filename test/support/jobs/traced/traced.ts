import { z } from 'zod';
import { JobError, defineJob } from '../../../../src/index.ts';

/** Calls a server in each attempt, and fails in the first ones. */
export default defineJob({
  name: 'traced',
  collection: 'traceds',
  description: 'Calls a server.',
  input: z.object({ url: z.url(), failures: z.int32().min(0) }),
  result: z.object({ reply: z.string() }),
  backoffSeconds: 0.01,
  async run({ url, failures }, job) {
    const reply = await (await fetch(url)).text();
    if (job.attempt <= failures) throw new JobError('NOT_YET', 'The private reason of a failure.');
    return { reply };
  },
});
