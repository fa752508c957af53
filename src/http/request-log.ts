import type { FastifyInstance } from 'fastify';
import type { Logger } from '../core/ports.ts';

/** Logs a line for each request. */
export function addRequestLog(app: FastifyInstance, logger: Logger): void {
  app.addHook('onResponse', (request, reply, done) => {
    // The route, not the URL: a URL may contain personal data.
    const { method, url: route } = request.routeOptions;
    logger.debug(
      { requestId: request.id, method, route, status: reply.raw.statusCode, durationMs: Math.round(reply.elapsedTime) },
      'request',
    );
    done();
  });
}
