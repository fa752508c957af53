import { appendFileSync } from 'node:fs';
import { z } from 'zod';
import { defineJob } from '../../../../src/core/define-job.ts';

/** Appends a line to a file for each event, and runs until it is stopped, or even longer. */
export default defineJob({
  name: 'stubborn',
  collection: 'stubborns',
  description: 'Runs until it is stopped, or longer.',
  input: z.object({ file: z.string(), heeds: z.boolean() }),
  result: z.object({ text: z.string() }),
  async run({ file, heeds }, job) {
    appendFileSync(file, 'started\n');
    return new Promise((_resolve, reject) => {
      const forever = setInterval(() => undefined, 1000);
      job.signal.addEventListener('abort', () => {
        appendFileSync(file, 'aborted\n');
        clearInterval(forever);
        if (heeds) reject(job.signal.reason);
      });
    });
  },
});
