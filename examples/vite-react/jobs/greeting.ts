import { setTimeout as delay } from 'node:timers/promises';
import { defineJob, z } from 'accepted';

export default defineJob({
  name: 'greeting',
  collection: 'greetings',
  description: 'Greets somebody, slowly.',
  input: z.object({ name: z.string().min(1).max(100) }),
  result: z.object({ text: z.string() }),
  async run({ name }, job) {
    for (const percent of [25, 50, 75]) {
      await delay(500, undefined, { signal: job.signal });
      await job.progress(percent, 'looking for words');
    }
    return { text: `Hello, ${name}` };
  },
});
