/** Accepted under /work of a Next application: all paths, and all methods that it has. */
import { createServer, defineJob, z } from 'accepted';

const greeting = defineJob({
  name: 'greeting',
  collection: 'greetings',
  description: 'Greets somebody.',
  input: z.object({ name: z.string().min(1).max(100) }),
  result: z.object({ text: z.string() }),
  run: ({ name }) => ({ text: `Hello, ${name}` }),
});

// Opened with the first request, not while Next builds.
let accepted: ReturnType<typeof createServer> | undefined;

async function handle(request: Request): Promise<Response> {
  accepted ??= createServer({
    jobs: [greeting],
    basePath: '/work',
    settings: { PUBLIC_URL: process.env['PUBLIC_URL'] ?? 'http://localhost:3000/work' },
  });
  return (await accepted).fetch(request);
}

export const dynamic = 'force-dynamic';
export { handle as DELETE, handle as GET, handle as HEAD, handle as OPTIONS, handle as POST };
