import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { nameOf } from '../core/access/caller.ts';
import type { ProblemName } from '../core/errors.ts';
import { typeOfJobId } from '../core/job-id.ts';
import type { Metrics } from '../core/metrics.ts';
import type { Logger } from '../core/ports.ts';
import { traceIdOf } from '../core/trace.ts';
import { traceOf } from './request-trace.ts';

/** As nginx logs a request whose client is gone before the reply. */
const CLIENT_GONE = 499;
/** A request id that is taken from a client or proxy: as long as those of proxies and tracers are, so that few other texts look like one. */
const REQUEST_ID = /^[\w.:+/=@-]{16,128}$/;
/** Asked for every few seconds, for as long as the process runs. */
const PROBES = /^\/(health\/|metrics$)/;

declare module 'fastify' {
  // What a handler finds out about a request: `RequestFacts` of core.
  interface FastifyRequest {
    operation: string | undefined;
    problem: ProblemName | undefined;
    jobId: string | undefined;
  }
}

/** The id of a request: its `X-Request-Id`, or a new one. */
export function requestIdOf({ headers }: IncomingMessage): string {
  const id = headers['x-request-id'];
  return typeof id === 'string' && REQUEST_ID.test(id) ? id : randomUUID();
}

/** Reports a request that has ended. To be called by hand for one that no hook sees. */
export type EndRequest = (request: FastifyRequest, reply: FastifyReply) => void;

export interface RequestLogOptions {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Which share of the requests has a line in the log, from 0 to 1. Those that fail with 5xx have one unless it is 0. */
  readonly share: number;
}

/** Counts each request, and logs a line for it. */
export function addRequestLog(app: FastifyInstance, { logger, metrics, share }: RequestLogOptions): EndRequest {
  for (const name of ['operation', 'problem', 'jobId']) app.decorateRequest(name, undefined);
  const isDebug = logger.isLevelEnabled('debug');
  const isOff = share === 0 || !logger.isLevelEnabled('info');
  /** Taken by and by, so that a tenth is each tenth request. */
  let due = 0;

  function isLogged(route: string | undefined, status: number): boolean {
    if (isDebug) return true;
    if (isOff || (route !== undefined && PROBES.test(route))) return false;
    due += share;
    const isDue = due >= 1;
    if (isDue) due -= 1;
    return isDue || status >= 500;
  }

  const end: EndRequest = (request, reply) => {
    const { method, operation, problem } = request;
    // The route, not the URL: a URL may contain personal data.
    const { url: route } = request.routeOptions;
    const status = reply.raw.headersSent ? reply.raw.statusCode : CLIENT_GONE;
    const { elapsedTime } = reply;
    metrics.requestEnded({ method, route, operation, status, problem, seconds: elapsedTime / 1000 });
    if (!isLogged(route, status)) return;
    const { caller, id: requestId } = request;
    const trace = traceOf(request);
    logger.info(
      {
        requestId,
        method,
        route,
        operation,
        status,
        problem,
        durationMs: Math.round(elapsedTime),
        caller: caller ? nameOf(caller) : undefined,
        jobId: request.jobId ?? jobIdOf(request, route),
        traceId: trace && traceIdOf(trace),
      },
      'request',
    );
  };
  app.addHook('onResponse', (request, reply, done) => {
    end(request, reply);
    done();
  });
  return end;
}

const OF_ONE_JOB = /^\/api\/(jobs|operations)\//;

/** The id in the URL. Anything else that stands there is no job's, and may be personal data. */
function jobIdOf({ params }: FastifyRequest, route: string | undefined): string | undefined {
  if (!OF_ONE_JOB.test(route ?? '') || typeof params !== 'object' || params === null || !('id' in params))
    return undefined;
  const id = String(params.id);
  return typeOfJobId(id) === undefined ? undefined : id;
}
