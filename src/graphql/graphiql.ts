import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { acceptedTypes, addVary, createConstant } from '../http/negotiation.ts';
import { GRAPHIQL_OPTIONS, readPageFile } from '../http/page-files.ts';
import type { Examples } from './examples.ts';

/**
 * The directives of the page (Content Security Policy Level 3, section 6.1). Its script and style are inline, the editor starts
 * workers from blobs and sets inline styles, and requests go to this server only.
 */
const POLICY = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  'img-src data:',
  'font-src data:',
  'worker-src blob:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
];

/** A page is one of the types that the URL has, for a client that prefers it to the others. */
const TYPES = ['application/json', 'application/graphql-response+json', 'text/html'];

/** Whether the request comes from a browser that navigates, rather than from a GraphQL client. */
export function wantsGraphiQL({ method, headers }: FastifyRequest): boolean {
  return method !== 'POST' && acceptedTypes(headers.accept, TYPES)[0] === 'text/html';
}

/** Replies with the page. */
export type SendGraphiQL = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/** The page with these examples in two tabs, or with the tabs that the browser has kept. A query in the URL has the first tab. */
export function createGraphiQL({ operations, query: example }: Examples): SendGraphiQL {
  const withExample = createPage({ query: operations, defaultTabs: [{ query: operations }, { query: example }] });
  // The page's script reads the query in the URL: text from a request never becomes part of the HTML.
  const withOwnQuery = createPage({ defaultQuery: example });
  return async (request, reply) => {
    const { query } = request;
    const ownQuery = typeof query === 'object' && query !== null && 'query' in query;
    const page = ownQuery ? withOwnQuery : withExample;
    addVary(reply, 'Accept');
    reply
      .type('text/html; charset=utf-8')
      .headers({ 'Cache-Control': 'no-cache', 'Content-Security-Policy': await page.policy() });
    return page.send(request, reply);
  };
}

/** Renders the page, which is large, at the first request for it, and caches it. */
function createPage(options: object) {
  const render = async (): Promise<string> => {
    const [before = '', after = ''] = (await readPageFile('graphiql.html')).toString().split(GRAPHIQL_OPTIONS);
    // An example may contain any text, which must not end the script.
    return before + JSON.stringify(options).replaceAll('<', '\\u003c') + after;
  };
  let policy: string | undefined;
  return {
    /** Allows the page's one script only. */
    policy: async () => (policy ??= policyOf(await render())),
    send: createConstant(render),
  };
}

function policyOf(html: string): string {
  const script = html.slice(html.indexOf('<script>') + '<script>'.length, html.lastIndexOf('</script>'));
  const hash = createHash('sha256').update(script).digest('base64');
  return [...POLICY, `script-src 'sha256-${hash}'`].join('; ');
}
