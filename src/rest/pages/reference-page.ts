import type { FastifyInstance } from 'fastify';
import { addEndpoint } from '../../http/endpoint.ts';
import { ASSETS } from './assets.ts';
import { html, sendPage, toRoot } from '../../http/page.ts';

/** Swagger UI sets inline styles, and has its icons in the style sheet. */
const ALLOW = "script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'";

/** `GET /docs`: Swagger UI for the OpenAPI document. All that it loads comes from this process. */
export function addReferencePage(app: FastifyInstance): void {
  addEndpoint(app, '/docs', {
    async GET(request, reply) {
      const root = toRoot(request);
      return sendPage(request, reply, {
        title: 'Accepted · API',
        head: html`<link rel="icon" href="${root}${ASSETS}/favicon.png" />
          <link rel="stylesheet" href="${root}${ASSETS}/swagger-ui.css" />
          <script src="${root}${ASSETS}/swagger-ui-bundle.js" defer></script>
          <script src="${root}${ASSETS}/swagger-start.js" defer></script>`,
        body: html`<main id="reference" data-document="${root}openapi.json"></main>
          <noscript
            ><p>
              This page needs JavaScript. The document is at <a href="${root}openapi.json">openapi.json</a>.
            </p></noscript
          >`,
        allow: ALLOW,
      });
    },
  });
}
