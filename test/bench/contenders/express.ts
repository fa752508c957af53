import { createServer } from 'node:http';
import express, { type Request } from 'express';
import { read, submit } from './shared/bullmq.ts';
import { serve } from './shared/serve.ts';

const baseOf = (request: Request): string => `http://${request.get('host')}`;

const app = express();
app.use(express.json());
app.post('/api/customers', async (request, response) => {
  const job = await submit(request.body, baseOf(request));
  response.status(202).set({ Location: job.statusUrl, 'Retry-After': '1' }).json(job);
});
app.get('/api/jobs/:id', async (request, response) => {
  const job = await read(request.params.id, baseOf(request));
  if (job === undefined) response.sendStatus(404);
  else response.status(job.done ? 200 : 202).json(job);
});
serve(createServer(app));
