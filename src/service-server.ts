/** The server for those who operate the process, on a port of its own. */
import Fastify from 'fastify';
import { StartError } from './core/start-error.ts';
import type { Logger } from './core/ports.ts';
import { SERVER_LIMITS } from './http/limits.ts';
import { createListener } from './http/listener.ts';
import { type Scrape, addScrape } from './http/scrape.ts';
import { addRoutes } from './rest/route.ts';
import { type HealthApi, healthRoutes } from './rest/routes/service.ts';

/** Prometheus's and OpenTelemetry's port for exporters. */
const DEFAULT_PORT = 9464;
/** The longest wait for replies at shutdown, in milliseconds. */
const CLOSE_MS = 1000;

export interface ServiceServerOptions {
  readonly health: HealthApi;
  readonly scrape: Scrape;
  readonly host: string;
  /** Undefined: 9464, if no other process has it. */
  readonly port: number | undefined;
  readonly logger: Logger;
}

export interface ServiceServer {
  /**
   * Resolves to the URL; undefined if another process has the default port.
   * @throws StartError that names METRICS_PORT or HOST
   */
  listen(): Promise<string | undefined>;
  close(): Promise<void>;
}

/** Serves `/health/*` and `GET /metrics`, and asks for no credentials. */
export function createServiceServer({ health, scrape, host, port, logger }: ServiceServerOptions): ServiceServer {
  const app = Fastify({ http: SERVER_LIMITS, forceCloseConnections: 'idle', bodyLimit: 1 });
  app.decorateRequest('caller', null);
  addRoutes(app, healthRoutes, health);
  addScrape(app, scrape, true);
  const listener = createListener(app, { setting: 'METRICS_PORT', sockets: 1 });
  return {
    async listen() {
      try {
        return await listener.listen(host, port ?? DEFAULT_PORT);
      } catch (error) {
        // Several workers on one machine need no setting to start.
        if (port !== undefined || !(error instanceof StartError)) throw error;
        logger.warn({ reason: error.message }, 'no metrics and no health checks of this process; set METRICS_PORT');
        return undefined;
      }
    },
    close: () => listener.close(CLOSE_MS),
  };
}
