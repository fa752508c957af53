import type { FastifyInstance, FastifyRequest } from 'fastify';
import { requireScope } from '../core/access/caller.ts';
import { type Registry, hasFiles } from '../core/registry.ts';
import type { Urls } from '../core/urls.ts';
import { LRUCache } from 'lru-cache';
import { type Constant, createConstant, requireAcceptable } from '../http/negotiation.ts';
import { createOpenApi } from './openapi/document.ts';
import { addAssets } from './pages/assets.ts';
import { addProblemPages } from './pages/problem-pages.ts';
import { addReferencePage } from './pages/reference-page.ts';
import { type RestApi, addRoutes, toFastifyPath } from './route.ts';
import { bulkRoutes } from './routes/bulk.ts';
import { BATCH_EVENTS, BATCH_RESULTS, batchRoutes } from './routes/batches.ts';
import { collectionRoutes, resourceNamedBatch } from './routes/collections.ts';
import { eventsRoute } from './routes/events.ts';
import { jobTypeRoutes } from './routes/job-types.ts';
import { jobRoutes } from './routes/jobs.ts';
import { operationRoutes } from './routes/operations.ts';
import { outputRoute } from './routes/output.ts';
import { openApiRoute } from './routes/service.ts';
import { batchPathOf } from './routes/submit-batch.ts';
import { uploadRoute } from './routes/uploads.ts';
import { webhookRoutes } from './routes/webhooks.ts';

const JSON_TYPES = ['application/json', 'application/problem+json'];
/** What these send is no JSON. */
const STREAMS: ReadonlySet<string> = new Set(
  [eventsRoute.path, outputRoute.path, BATCH_EVENTS, BATCH_RESULTS].map(toFastifyPath),
);

/** The REST API, under `/api`: the Asynchronous Request-Reply pattern over plain HTTP. */
export function createRestApi(api: RestApi): (app: FastifyInstance) => Promise<void> {
  const { types, builtIn } = api.service.registry;
  const submissions = new Set([
    ...types.flatMap((type) => [`/api/${type.collection}`, batchPathOf(type)]),
    ...bulkRoutes.map(({ path }) => path),
    uploadRoute.path,
  ]);
  const uploads = hasFiles(api.service.registry, ['input']) ? [uploadRoute] : [];
  return async (app) => {
    app.addHook('onRequest', (request, _reply, done) => {
      const { url = '' } = request.routeOptions;
      if (!STREAMS.has(url)) requireAcceptable(request, JSON_TYPES);
      // Before the body is read, which may be large.
      if (request.method === 'POST' && request.caller !== null && submissions.has(url))
        requireScope(request.caller, 'submit');
      done();
    });
    addRoutes(
      app,
      [
        ...bulkRoutes,
        ...jobRoutes([...types, ...builtIn]),
        eventsRoute,
        outputRoute,
        ...batchRoutes,
        ...operationRoutes,
        ...jobTypeRoutes,
        ...uploads,
        ...webhookRoutes,
        ...types.flatMap(collectionRoutes),
        ...types.flatMap(resourceNamedBatch),
      ],
      api,
    );
  };
}

export interface DocumentationOptions {
  readonly registry: Registry;
  urlsOf(request: FastifyRequest): Urls;
}

/**
 * The documentation of the REST API: `GET /openapi.json`, and the pages `/docs` and `/problems`.
 * @throws StartError that names the file and the field, for a job type that the document can't express
 */
export function createDocumentation({
  registry,
  urlsOf,
}: DocumentationOptions): (app: FastifyInstance) => Promise<void> {
  const document = createOpenApi(registry);
  /** By the URL of the server, of which requests may name several. */
  const constants = new LRUCache<string, Constant>({ max: 10 });
  const documentAt = (base: string): Constant => {
    const constant = constants.get(base) ?? createConstant(() => JSON.stringify(withServer(document, base)));
    constants.set(base, constant);
    return constant;
  };
  return async (app) => {
    addRoutes(app, [openApiRoute], { documentAt, urlsOf });
    addReferencePage(app);
    addProblemPages(app, urlsOf, registry.types);
    addAssets(app);
  };
}

function withServer(document: ReturnType<typeof createOpenApi>, url: string): object {
  return { ...document, servers: document.servers?.map((server) => ({ ...server, url })) };
}
