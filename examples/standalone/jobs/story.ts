import { setTimeout as delay } from 'node:timers/promises';
import { defineJob, z } from 'accepted';

/** Streams a text as a language model would. */
export default defineJob({
  name: 'story',
  collection: 'stories',
  description: 'Tells a story, a few words at a time.',
  input: z.object({ about: z.string().min(1).max(100) }),
  result: z.object({ text: z.string(), tokens: z.int32() }),
  async run({ about }, job) {
    let text = '';
    let tokens = 0;
    for await (const token of generate(about, job.signal)) {
      text += token;
      tokens += 1;
      await job.output(token);
    }
    return { text, tokens };
  },
});

/** Stands for the stream of a model. */
async function* generate(about: string, signal: AbortSignal): AsyncGenerator<string> {
  const story = `Once upon a time there was ${about}. It waited for its turn, did its work, and told everybody how far it was.`;
  for (const token of story.split(/(?= )/)) {
    await delay(20, undefined, { signal });
    yield token;
  }
}
