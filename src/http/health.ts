import type { FastifyInstance } from 'fastify';
import { withDeadline } from '../core/deadline.ts';
import { addEndpoint } from './endpoint.ts';

/** What does not answer in this time is missing. */
const CHECK_MS = 1500;

/** Something without which requests can't be served; resolves when it is there. */
export type ReadinessCheck = () => Promise<void>;

/** `GET /health/live`: the process runs. `GET /health/ready`: it can serve requests; else 503, with what is missing. */
export function addHealth(app: FastifyInstance, checks: Readonly<Record<string, ReadinessCheck>>): void {
  addEndpoint(app, '/health/live', { GET: async () => ({ status: 'ok' }) });
  addEndpoint(app, '/health/ready', {
    async GET(_request, reply) {
      const names = Object.keys(checks);
      const results = await Promise.allSettled(Object.values(checks).map((check) => withDeadline(check(), CHECK_MS)));
      const missing = names.filter((_, index) => results[index]?.status === 'rejected');
      if (missing.length === 0) return { status: 'ok' };
      return reply.status(503).header('Retry-After', 1).send({ status: 'unavailable', missing });
    },
  });
}
