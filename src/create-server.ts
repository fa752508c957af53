import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { type App, createApp } from './app.ts';
import { type Role, readServerConfig } from './config.ts';
import type { ProjectConfig } from './core/define-config.ts';
import type { JobType } from './core/define-job.ts';
import type { Logger } from './core/ports.ts';
import { createLogger } from './observability/logger.ts';
import { type Project, loadProject } from './project.ts';

export interface ServerOptions {
  /**
   * Job types, instead of those in the files of the project.
   * @default those that `accepted start` runs, with `accepted.config.ts`
   */
  readonly jobs?: readonly JobType[];
  /** The providers and settings of `jobs`. Without `jobs`, those of `accepted.config.ts` count. */
  readonly config?: ProjectConfig;
  /**
   * What the process runs.
   * @default 'all'
   */
  readonly role?: Role;
  /** Settings by their names, such as QUEUE_URL; they go before environment variables. */
  readonly settings?: Readonly<Record<string, string>>;
  /**
   * The path under which `handler` or `fastify` is mounted, such as `/work`. URLs in replies begin with it, unless PUBLIC_URL is set.
   * @default ''
   */
  readonly basePath?: string;
  /** @default JSON lines on standard output, readable ones on a terminal */
  readonly logger?: Logger;
  /**
   * Called when a store that becomes available after the start turns out to be unusable.
   * @default throws the error, which ends the process
   */
  readonly onFatal?: (error: unknown) => void;
}

/** Accepted inside another program. */
export interface AcceptedServer {
  /**
   * Starts, and listens where the role includes the API.
   * @throws StartError with a line for each problem
   */
  listen(): Promise<{ readonly url: string | undefined }>;
  /**
   * Opens the stores and starts the workers, where another server listens. `handler` and `fastify` do it at the first request.
   * @throws StartError with a line for each problem
   */
  start(): Promise<void>;
  /** For `createServer` of node:http, Express, Nest, and Next's API routes. No body parser may come before it. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
  /** For servers that speak `Request` and `Response`, such as Next's route handlers. Set PUBLIC_URL: there is no socket to compare Host with. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** A Fastify plugin, for `register(server.fastify, { prefix })`; `basePath` is the prefix. */
  readonly fastify: (app: FastifyInstance) => Promise<void>;
  /** Stops taking work, lets running work finish within SHUTDOWN_GRACE_SECONDS or returns it to the queue, and closes everything. */
  close(): Promise<void>;
}

const BASE_PATH = /^(\/[\w.~-]+)*$/;

/**
 * Builds the server, and opens nothing yet.
 * @throws StartError with a line for each problem of the settings and the job types
 * @throws TypeError for a `basePath` that is no path
 */
export async function createServer(options: ServerOptions = {}): Promise<AcceptedServer> {
  const { basePath = '', role = 'all', onFatal = rethrow } = options;
  if (!BASE_PATH.test(basePath))
    throw new TypeError('basePath: expected a path such as /work, without a trailing slash');
  const config = readServerConfig(role, options.settings);
  const { logger = createLogger(config.LOG_LEVEL, { wholeErrors: config.LOG_ERRORS, format: config.LOG_FORMAT }) } =
    options;
  const project = await projectOf(options, config.JOBS_DIR);
  const app = await createApp(config, project, logger, { basePath, onFatal });
  const handler = createHandler(app, basePath, onFatal);
  const answer = createFetch(app, basePath);
  return {
    listen: () => app.listen(),
    start: () => app.start(),
    close: () => app.close(),
    handler,
    fetch: answer,
    async fastify(outer) {
      // The body is read by the handler.
      outer.removeAllContentTypeParsers();
      outer.addContentTypeParser('*', (_request, _payload, done) => done(null));
      outer.all('/*', (request, reply) => {
        reply.hijack();
        handler(request.raw, reply.raw);
      });
    },
  };
}

async function projectOf({ jobs, config = {} }: ServerOptions, jobsDir: string | undefined): Promise<Project> {
  if (jobs === undefined) return loadProject({ jobsDir });
  return { jobs: jobs.map((type) => ({ file: `job type ${type.name}`, type })), config };
}

function createHandler(
  { http, start }: App,
  basePath: string,
  onFatal: (error: unknown) => void,
): AcceptedServer['handler'] {
  let isStarted = false;
  return (request, response) => {
    if (http === undefined) throw new TypeError('a worker has no handler');
    request.url = withoutBase(request.url ?? '/', basePath);
    if (isStarted) return http.routing(request, response);
    void startAndRoute(http, request, response);
  };

  async function startAndRoute(to: FastifyInstance, request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await start();
      isStarted = true;
      to.routing(request, response);
    } catch (error) {
      response.writeHead(503).end();
      onFatal(error);
    }
  }
}

/** Statuses without a body (RFC 9110, sections 15.3.5 and 15.4.5). */
const NO_BODY = new Set([204, 304]);
/** Fields of one connection (RFC 9110, section 7.6.1). */
const OF_CONNECTION = new Set(['connection', 'keep-alive', 'transfer-encoding']);

function createFetch({ http, start }: App, basePath: string): AcceptedServer['fetch'] {
  return async (request) => {
    if (http === undefined) throw new TypeError('a worker has no API');
    await start();
    const { pathname, search } = new URL(request.url);
    const reply = await http.inject({
      method: request.method,
      url: withoutBase(pathname + search, basePath),
      // A request of HTTP/1.1 has a body where one of these headers says so (RFC 9112, section 6).
      headers: {
        ...(request.body !== null && { 'transfer-encoding': 'chunked' }),
        ...Object.fromEntries(request.headers),
      },
      ...(request.body !== null && { payload: Readable.from(request.body) }),
      payloadAsStream: true,
      signal: request.signal,
    });
    const headers = new Headers();
    for (const [name, value] of Object.entries(reply.headers)) {
      const values = Array.isArray(value) ? value : [value];
      for (const each of values) if (each !== undefined && !OF_CONNECTION.has(name)) headers.append(name, String(each));
    }
    if (NO_BODY.has(reply.statusCode)) return new Response(null, { status: reply.statusCode, headers });
    // The same class at run time, which the types of Node and of browsers describe differently.
    const body = Readable.toWeb(reply.stream()) as unknown as ReadableStream<Uint8Array<ArrayBuffer>>;
    return new Response(body, { status: reply.statusCode, headers });
  };
}

/** Express has removed the base from the URL already. */
function withoutBase(url: string, basePath: string): string {
  if (basePath === '' || !url.startsWith(basePath)) return url;
  const rest = url.slice(basePath.length);
  if (rest.startsWith('/')) return rest;
  return rest === '' || rest.startsWith('?') ? `/${rest}` : url;
}

function rethrow(error: unknown): never {
  throw error;
}
