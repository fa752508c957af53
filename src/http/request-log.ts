import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ProblemName } from '../core/errors.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Logger } from '../core/ports.ts';

/** As nginx logs a request whose client is gone before the reply. */
const CLIENT_GONE = 499;

declare module 'fastify' {
  // What a handler finds out about a request: `RequestFacts` of core.
  interface FastifyRequest {
    operation: string | undefined;
    problem: ProblemName | undefined;
  }
}

/** Reports a request that has ended. To be called by hand for one that no hook sees. */
export type EndRequest = (request: FastifyRequest, reply: FastifyReply) => void;

/** Counts each request, and logs a line for it. */
export function addRequestLog(app: FastifyInstance, logger: Logger, metrics: Metrics): EndRequest {
  app.decorateRequest('operation', undefined);
  app.decorateRequest('problem', undefined);
  const isLogged = logger.isLevelEnabled('debug');
  const end: EndRequest = (request, reply) => {
    const { method, operation, problem } = request;
    // The route, not the URL: a URL may contain personal data.
    const { url: route } = request.routeOptions;
    const status = reply.raw.headersSent ? reply.raw.statusCode : CLIENT_GONE;
    metrics.requestEnded({ method, route, operation, status, problem, seconds: reply.elapsedTime / 1000 });
    if (!isLogged) return;
    const durationMs = Math.round(reply.elapsedTime);
    logger.debug({ requestId: request.id, method, route, status, durationMs }, 'request');
  };
  app.addHook('onResponse', (request, reply, done) => {
    end(request, reply);
    done();
  });
  return end;
}
