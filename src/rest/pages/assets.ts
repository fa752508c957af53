import type { FastifyInstance } from 'fastify';
import { createConstant } from '../../http/negotiation.ts';
import { readPageFile } from '../../http/page-files.ts';

/** The folder of the files that pages load, from the root of the service. */
export const ASSETS = 'docs/assets';

/** A day: the files change only with a version of the service. */
const MAX_AGE_SECONDS = 86_400;

/** The style of our own pages. */
const PAGE_CSS = `:root {
  color-scheme: light dark;
  --text: #1c2330; --soft: #5b6575; --line: #dfe3ea; --back: #fff; --raised: #f5f7fa; --accent: #1f5fd0;
}
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e8ef; --soft: #9aa5b6; --line: #313a49; --back: #12161d; --raised: #1b212b; --accent: #7fb0ff; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 1rem/1.6 system-ui, sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
nav { font-size: .9rem; color: var(--soft); }
a { color: var(--accent); }
h1 { margin: .5rem 0 1.5rem; font-size: 1.9rem; line-height: 1.25; }
h2 { margin: 2rem 0 .5rem; font-size: 1.15rem; }
p { margin: 0 0 1rem; }
code, pre { font: .9em/1.5 ui-monospace, monospace; }
code { padding: .1em .35em; border-radius: .25rem; background: var(--raised); }
pre { margin: 0; padding: 1rem; white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line); border-radius: .5rem; background: var(--raised); }
pre code { padding: 0; background: none; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .5rem .75rem .5rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 600; }
tbody th { width: 10rem; color: var(--soft); font-weight: 500; }
`;

/**
 * Starts Swagger UI. A file of its own, because the page's policy allows no inline script. `validatorUrl: null` keeps Swagger UI
 * from sending the document's URL to a validator elsewhere.
 */
const SWAGGER_START = `'use strict';
const place = document.getElementById('reference');
SwaggerUIBundle({
  domNode: place,
  url: place.dataset.document,
  deepLinking: true,
  validatorUrl: null,
  displayRequestDuration: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  syntaxHighlight: { activated: true },
});
`;

interface Asset {
  readonly type: string;
  read(): Promise<string | Buffer>;
}

const CSS = 'text/css; charset=utf-8';
const SCRIPT = 'text/javascript; charset=utf-8';

const FILES: Readonly<Record<string, Asset>> = {
  'page.css': { type: CSS, read: async () => PAGE_CSS },
  'swagger-start.js': { type: SCRIPT, read: async () => SWAGGER_START },
  'swagger-ui.css': { type: CSS, read: () => readPageFile('swagger-ui.css') },
  'swagger-ui-bundle.js': { type: SCRIPT, read: () => readPageFile('swagger-ui-bundle.js') },
  'favicon.png': { type: 'image/png', read: () => readPageFile('favicon-32x32.png') },
};

/** Serves the files that pages load: ours, and those of Swagger UI's npm package. */
export function addAssets(app: FastifyInstance): void {
  for (const [name, { type, read }] of Object.entries(FILES)) {
    const send = createConstant(read);
    app.get(`/${ASSETS}/${name}`, async (request, reply) => {
      reply
        .type(type)
        .headers({ 'Cache-Control': `public, max-age=${MAX_AGE_SECONDS}`, 'X-Content-Type-Options': 'nosniff' });
      return send(request, reply);
    });
  }
}
