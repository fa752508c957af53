import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { SWAGGER_START } from './swagger-start.ts';
import { PAGE_CSS } from './style.ts';

/** Where the files that pages load are, from the root of the service. */
export const ASSETS = 'docs/assets';

/** A day: they change with a version of the service, and look up nothing. */
const MAX_AGE_SECONDS = 86_400;

const require = createRequire(import.meta.url);
const swaggerUi = dirname(require.resolve('swagger-ui-dist/package.json'));

interface Asset {
  readonly type: string;
  read(): Promise<string | Buffer>;
}

const CSS = 'text/css; charset=utf-8';
const SCRIPT = 'text/javascript; charset=utf-8';

const FILES: Readonly<Record<string, Asset>> = {
  'page.css': { type: CSS, read: async () => PAGE_CSS },
  'swagger-start.js': { type: SCRIPT, read: async () => SWAGGER_START },
  'swagger-ui.css': { type: CSS, read: () => readFile(join(swaggerUi, 'swagger-ui.css')) },
  'swagger-ui-bundle.js': { type: SCRIPT, read: () => readFile(join(swaggerUi, 'swagger-ui-bundle.js')) },
  'favicon.png': { type: 'image/png', read: () => readFile(join(swaggerUi, 'favicon-32x32.png')) },
};

/** Serves the files that pages load: ours, and those of the npm package that draws the reference. */
export function addAssets(app: FastifyInstance): void {
  for (const [name, { type, read }] of Object.entries(FILES)) {
    app.get(`/${ASSETS}/${name}`, async (_request, reply) =>
      reply
        .type(type)
        .headers({ 'Cache-Control': `public, max-age=${MAX_AGE_SECONDS}`, 'X-Content-Type-Options': 'nosniff' })
        .send(await read()),
    );
  }
}
