// Prints a story as it is told: node tell.ts http://localhost:4000 'a queue'
import { createClient } from 'accepted/client';

const [baseUrl = 'http://localhost:4000', about = 'a queue'] = process.argv.slice(2);
const client = createClient<{ story: { input: { about: string }; result: { text: string; tokens: number } } }>({
  baseUrl,
  collections: { story: 'stories' },
});
const job = await client.submit('story', { about });
for await (const piece of client.output(job)) {
  // The function has begun anew, as after a crash of its worker.
  if (piece.kind === 'attempt') process.stdout.write('\n\n');
  else process.stdout.write(String(piece.value));
}
const { tokens } = await client.wait(job);
console.log(`\n(${tokens} tokens)`);
