import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

const EXAMPLE = `# Submit slow work; the answer is there at once.
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

# Then follow the job by its id, until it is done. Variables: { "id": "the jobId" }
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

# Or be told of each change, until it is done.
subscription JobUpdates($id: ID!) {
  jobUpdates(id: $id) {
    status
    percentComplete
    message
  }
}

# What the work made.
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

/** The page, and the policy that lets its one script run, and no other. */
interface GraphiQLPage {
  readonly html: string;
  readonly policy: string;
}

/**
 * What the page may load: all its scripts and its style are inside it, the editor starts workers from there, and sets styles
 * as it goes. It talks to this server alone (Content Security Policy Level 3, section 6.1).
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

/** Whether a browser asks, and not a client. */
export function wantsGraphiQL({ method, headers }: FastifyRequest): boolean {
  return method !== 'POST' && (headers.accept ?? '').includes('text/html');
}

export async function sendGraphiQL({ query }: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const ownQuery = typeof query === 'object' && query !== null && 'query' in query;
  const { html, policy } = await readPage(ownQuery ? 'defaultQuery' : 'query');
  return reply
    .type('text/html; charset=utf-8')
    .headers({ 'Cache-Control': 'no-cache', 'Content-Security-Policy': policy })
    .send(html);
}

const pages = new Map<string, Promise<GraphiQLPage>>();

/**
 * It is large, so it is made when somebody asks for it, and kept.
 * @param option `query` shows the example first, but without it the page forgets at a reload what it showed. With a query in its
 * URL, which is for the page to read, the example is the `defaultQuery`: no text of others comes into a page with scripts.
 */
function readPage(option: 'query' | 'defaultQuery'): Promise<GraphiQLPage> {
  const page = pages.get(option) ?? renderPage({ title: 'Accepted', [option]: EXAMPLE });
  pages.set(option, page);
  return page;
}

async function renderPage(options: object): Promise<GraphiQLPage> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const html = renderGraphiQL(options);
  const script = html.slice(html.indexOf('<script>') + '<script>'.length, html.lastIndexOf('</script>'));
  const hash = createHash('sha256').update(script).digest('base64');
  return { html, policy: [...POLICY, `script-src 'sha256-${hash}'`].join('; ') };
}
