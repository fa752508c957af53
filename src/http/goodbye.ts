import type { FastifyInstance } from 'fastify';

/** From when a server is about to close, each of its replies asks the client to connect anew (RFC 9112, section 9.6). */
export function addGoodbye(app: FastifyInstance, stopping: AbortSignal): void {
  // A reply that the GraphQL face sends has the headers of its beginning; others may be held until now.
  app.addHook('onRequest', (_request, reply, done) => {
    if (stopping.aborted) reply.header('Connection', 'close');
    done();
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (stopping.aborted) reply.header('Connection', 'close');
    done(null, payload);
  });
}
