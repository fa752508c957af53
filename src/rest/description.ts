import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Registry } from '../core/registry.ts';
import type { Urls } from '../core/urls.ts';
import { addEndpoint } from '../http/endpoint.ts';
import { createOpenApi } from './openapi/document.ts';
import { addAssets } from './pages/assets.ts';
import { addProblemPages } from './pages/problem-pages.ts';
import { addReferencePage } from './pages/reference-page.ts';

export interface DescriptionOptions {
  readonly registry: Registry;
  urlsOf(request: FastifyRequest): Urls;
}

/**
 * What the REST face says of itself: `GET /openapi.json`, and the pages `/docs` and `/problems`.
 * @throws StartError that names the file and the field, for a job type that the document can't express
 */
export function createDescription({ registry, urlsOf }: DescriptionOptions): (app: FastifyInstance) => Promise<void> {
  const document = createOpenApi(registry);
  return async (app) => {
    addEndpoint(app, '/openapi.json', {
      async GET(request, reply) {
        const servers = document.servers.map((server) => ({ ...server, url: urlsOf(request).base }));
        return reply.header('Cache-Control', 'no-cache').send({ ...document, servers });
      },
    });
    addReferencePage(app);
    addProblemPages(app, urlsOf);
    addAssets(app);
  };
}
