/** The console: the page that operators keep open. Its program, in `app`, works on the GraphQL API and on the routes of `api.ts`. */
import type { FastifyInstance } from 'fastify';
import { addEndpoint } from '../http/endpoint.ts';
import { createConstant } from '../http/negotiation.ts';
import { html, sendPage, toRoot } from '../http/page.ts';
import { readPageFile } from '../http/page-files.ts';

/** Each shows the same page, whose program reads the URL. */
const PAGES = ['', '/jobs', '/jobs/:id', '/types', '/submit', '/submit/:type'];

/**
 * What the page may load, and no string becomes markup or code (Trusted Types): a job's messages, input and result come from anyone.
 */
const ALLOW =
  "script-src 'self'; style-src 'self'; img-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'; connect-src 'self'";

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#4f46e5"/><path d="M9 16.5l5 5 9.5-11" fill="none" stroke="#fff" stroke-width="3.5" stroke-linecap="round" stroke-linejoin="round"/></svg>`;

const FILES = {
  'console.js': { type: 'text/javascript; charset=utf-8', read: () => readPageFile('console.js') },
  'console.css': { type: 'text/css; charset=utf-8', read: () => readPageFile('console.css') },
  'icon.svg': { type: 'image/svg+xml', read: () => ICON },
} as const;

/**
 * Serves the page and its files, to anyone: they have no data.
 * @param uploads the origin to which it sends files, if that is another one
 */
export async function addConsolePages(app: FastifyInstance, uploads?: string): Promise<void> {
  const allow = uploads === undefined ? ALLOW : `${ALLOW} ${uploads}`;
  for (const path of PAGES) {
    addEndpoint(app, `/console${path}`, {
      async GET(request, reply) {
        const files = `${toRoot(request)}console/files/`;
        return sendPage(request, reply, {
          title: 'Accepted · Console',
          head: html`<meta name="color-scheme" content="light dark" />
            <link rel="icon" href="${files}icon.svg" />
            <link rel="stylesheet" href="${files}console.css" />
            <script type="module" src="${files}console.js"></script>`,
          body: html`<div id="app"></div>
            <noscript><p>The console needs JavaScript.</p></noscript>`,
          allow,
        });
      },
    });
  }
  for (const [name, { type, read }] of Object.entries(FILES)) {
    const send = createConstant(read);
    addEndpoint(app, `/console/files/${name}`, {
      async GET(request, reply) {
        // Checked by its tag each time, so that a page never has the program of another version.
        reply.type(type).headers({ 'Cache-Control': 'no-cache', 'X-Content-Type-Options': 'nosniff' });
        return send(request, reply);
      },
    });
  }
}
