import { z } from 'zod';
import { defineJob } from '../../../../src/core/define-job.ts';
import { JobError } from '../../../../src/core/job-error.ts';

/** Fails as its input says, each time with the input's text in the error. */
export default defineJob({
  name: 'secret',
  collection: 'secrets',
  description: 'Goes wrong.',
  input: z.object({ text: z.string(), how: z.string() }),
  result: z.object({ text: z.string().max(1) }),
  attempts: 1,
  resource: {
    idOf: ({ text }) => text,
    find: async (id) => {
      throw Object.assign(new Error('no ' + id), { detail: id });
    },
  },
  async run({ text, how }, job) {
    await job.progress(1, 'begun');
    await job.output({ text });
    if (how === 'error') throw Object.assign(new Error('bad ' + text), { detail: text, row: { text } });
    if (how === 'lines') throw new Error('bad\n    at ' + text + ' (' + text + ':1:1)');
    if (how === 'cause') throw new Error('outer', { cause: new TypeError(text) });
    // oxlint-disable-next-line typescript/only-throw-error -- A function may throw anything.
    if (how === 'value') throw text;
    if (how === 'told') throw new JobError('BAD', 'The text is bad.', { cause: new Error(text) });
    if (how === 'stray') void Promise.reject(new Error(text));
    return { text };
  },
});
