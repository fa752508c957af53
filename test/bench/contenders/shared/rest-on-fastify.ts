import Fastify, { type FastifyRequest } from 'fastify';
import type { Reply } from './reply.ts';
import { serve } from './serve.ts';

const baseOf = (request: FastifyRequest): string => `http://${request.host}`;

/** The queue behind Fastify's routes. */
export interface RestQueue {
  submit(body: unknown, base: string): Promise<Reply>;
  read(id: string, base: string): Promise<Reply | undefined>;
}

export async function serveRest({ submit, read }: RestQueue): Promise<void> {
  const app = Fastify();
  app.post('/api/customers', async (request, reply) => {
    const job = await submit(request.body, baseOf(request));
    return reply.status(202).header('Location', job.statusUrl).header('Retry-After', 1).send(job);
  });
  app.get<{ Params: { id: string } }>('/api/jobs/:id', async (request, reply) => {
    const job = await read(request.params.id, baseOf(request));
    if (job === undefined) return reply.status(404).send();
    return reply.status(job.done ? 200 : 202).send(job);
  });
  await app.ready();
  serve(app.server);
}
