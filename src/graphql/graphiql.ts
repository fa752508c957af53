import type { GraphiQLOptions } from 'graphql-yoga';

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

/** What the page takes beside what its type tells of. */
interface PageOptions extends GraphiQLOptions {
  /** Shown first. Without it the page forgets at a reload what it showed. */
  readonly query?: string;
}

/** A query in the page's URL is for the page to read: its options are inside a script, where no text of others may come. */
export function graphiqlOptions({ url }: Request): PageOptions {
  const own = new URL(url).searchParams.has('query');
  return { title: 'Accepted', ...(own ? { defaultQuery: EXAMPLE } : { query: EXAMPLE }) };
}

/** The page, with all its scripts inside. It is large, so it is loaded when somebody asks for it. */
export async function renderGraphiQL(options?: GraphiQLOptions): Promise<string> {
  const page = await import('@graphql-yoga/render-graphiql');
  return page.renderGraphiQL(options);
}
