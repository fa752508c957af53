import { read, submit } from './bullmq.ts';
import type { Reply } from './reply.ts';

/** The part of Accepted's schema that the bench uses. */
export const typeDefs = /* GraphQL */ `
  type Query {
    jobStatus(id: ID!): Job
  }
  type Mutation {
    submitCustomer(input: SubmitCustomerInput!): SubmitCustomerPayload!
  }
  input SubmitCustomerInput {
    id: ID!
    customername: String!
    email: String
    phone: String
    country: String
  }
  type SubmitCustomerPayload {
    jobId: ID!
    statusUrl: String!
    job: CustomerJob!
  }
  enum JobStatus {
    PENDING
    RUNNING
    SUCCEEDED
    FAILED
  }
  interface Job {
    id: ID!
    type: String!
    status: JobStatus!
    done: Boolean!
    percentComplete: Int!
    createdAt: String!
    lastUpdatedAt: String!
    statusUrl: String!
    retryAfter: Int
  }
  type CustomerJob implements Job {
    id: ID!
    type: String!
    status: JobStatus!
    done: Boolean!
    percentComplete: Int!
    createdAt: String!
    lastUpdatedAt: String!
    statusUrl: String!
    retryAfter: Int
    result: Customer
  }
  type Customer {
    id: ID!
    customername: String!
    email: String
    phone: String
    country: String
  }
`;

/** @param baseOf such as `http://127.0.0.1:4000`, from the library's own context */
export function resolversFor<Context>(baseOf: (context: Context) => string) {
  return {
    Query: {
      async jobStatus(_: unknown, { id }: { id: string }, context: Context) {
        const job = await read(id, baseOf(context));
        // All libraries resolve a type by this field.
        return job && Object.assign(job, { __typename: 'CustomerJob' });
      },
    },
    Mutation: {
      async submitCustomer(_: unknown, { input }: { input: unknown }, context: Context) {
        const job = await submit(input, baseOf(context));
        return { jobId: job.id, statusUrl: job.statusUrl, job };
      },
    },
    CustomerJob: { status: ({ status }: Reply) => status.toUpperCase() },
  };
}
