/** Accepted under /work of an Express application. */
import type { AddressInfo } from 'node:net';
import { createServer, defineJob, z } from 'accepted';
import express from 'express';

const greeting = defineJob({
  name: 'greeting',
  collection: 'greetings',
  description: 'Greets somebody.',
  input: z.object({ name: z.string().min(1).max(100) }),
  result: z.object({ text: z.string() }),
  run: ({ name }) => ({ text: `Hello, ${name}` }),
});

const accepted = await createServer({ jobs: [greeting], basePath: '/work' });
await accepted.start();

const app = express();
// Before any body parser.
app.use('/work', accepted.handler);
app.get('/', (_request, response) => {
  response.send('The application');
});
const server = app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  console.log(`http://127.0.0.1:${port}/`);
});

process.once('SIGTERM', () => {
  server.close();
  accepted.close().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
