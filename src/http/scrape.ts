import type { FastifyInstance } from 'fastify';
import { ANONYMOUS, requireScope } from '../core/access/caller.ts';
import { addEndpoint } from './endpoint.ts';

export const METRICS_ROUTE = '/metrics';

/** What Prometheus reads. */
export interface Scrape {
  readonly contentType: string;
  render(): Promise<string>;
}

/**
 * Adds `GET /metrics`, for admins.
 * @param isOpen whether anyone may read it, as on a port that only operators reach; a server without authentication always lets anyone
 */
export function addScrape(app: FastifyInstance, scrape: Scrape, isOpen = false): void {
  addEndpoint(app, METRICS_ROUTE, {
    async GET(request, reply) {
      const { caller } = request;
      if (!isOpen && caller !== null && caller !== ANONYMOUS) requireScope(caller, 'admin');
      return reply
        .type(scrape.contentType)
        .header('Cache-Control', 'no-store')
        .send(await scrape.render());
    },
  });
}
