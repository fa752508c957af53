import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { acceptedTypes, addVary, createConstant } from '../http/negotiation.ts';

const EXAMPLE = `# Submit slow work; the reply comes at once.
mutation SubmitCustomer {
  submitCustomer(
    input: {
      id: "42"
      customername: "  Ada   Lovelace "
      email: "Ada@Example.com"
      phone: "020 7946 0000"
      country: "gb"
    }
  ) {
    jobId
    statusUrl
    job {
      status
      retryAfter
    }
  }
}

# Then poll the job by its id until it is done. Variables: { "id": "the jobId" }
query JobStatus($id: ID!) {
  jobStatus(id: $id) {
    status
    percentComplete
    error {
      code
      message
    }
    ... on CustomerJob {
      result {
        id
        customername
        email
        phone
      }
    }
  }
}

# Or subscribe to each change until it is done.
subscription JobUpdates($id: ID!) {
  jobUpdates(id: $id) {
    status
    percentComplete
    message
  }
}

# Read what the job made.
query Customer {
  customer(id: "42") {
    customername
    email
    phone
    country
    updatedAt
  }
}
`;

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

export async function sendGraphiQL(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { query } = request;
  const ownQuery = typeof query === 'object' && query !== null && 'query' in query;
  const page = ownQuery ? withOwnQuery : withExample;
  addVary(reply, 'Accept');
  reply
    .type('text/html; charset=utf-8')
    .headers({ 'Cache-Control': 'no-cache', 'Content-Security-Policy': await page.policy() });
  return page.send(request, reply);
}

/**
 * Renders the page, which is large, at the first request for it, and caches it.
 * @param option `query` opens the example in the first tab, but prevents the page from restoring its tabs after a reload.
 * `defaultQuery` leaves the first tab to the query in the URL. The page's script reads that query: text from a request never
 * becomes part of the HTML.
 */
function createPage(option: 'query' | 'defaultQuery') {
  const render = async (): Promise<string> => {
    const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
    return renderGraphiQL({ title: 'Accepted', [option]: EXAMPLE });
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

const withExample = createPage('query');
const withOwnQuery = createPage('defaultQuery');
