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

# Then follow the job by its id, until it is done.
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

export const graphiqlOptions: GraphiQLOptions = {
  title: 'Accepted',
  defaultQuery: EXAMPLE,
  defaultTabs: [{ query: EXAMPLE, variables: '{ "id": "the jobId that submitCustomer returned" }' }],
};

/** The page, with all its scripts inside. It is large, so it is loaded when somebody asks for it. */
export async function renderGraphiQL(options?: GraphiQLOptions): Promise<string> {
  const page = await import('@graphql-yoga/render-graphiql');
  return page.renderGraphiQL(options);
}
