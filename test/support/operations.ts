import { graphql } from './generated/gql.ts';

export const SubmitCustomer = graphql(`
  mutation SubmitCustomer($input: SubmitCustomerInput!) {
    submitCustomer(input: $input) {
      jobId
      statusUrl
      job {
        id
        status
        done
        percentComplete
        retryAfter
        input {
          customername
        }
        result {
          id
        }
      }
    }
  }
`);

export const SubmitCustomerImport = graphql(`
  mutation SubmitCustomerImport($input: SubmitCustomerImportInput!) {
    submitCustomerImport(input: $input) {
      jobId
      statusUrl
    }
  }
`);

export const JobStatus = graphql(`
  query JobStatus($id: ID!) {
    jobStatus(id: $id) {
      id
      type
      status
      done
      percentComplete
      message
      attempt
      maxAttempts
      createdAt
      lastUpdatedAt
      startedAt
      finishedAt
      expiresAt
      error {
        code
        message
      }
      statusUrl
      resultUrl
      resourceUrl
      retryAfter
      ... on CustomerJob {
        customer: result {
          id
          customername
          email
          phone
          country
          updatedAt
        }
      }
      ... on CustomerImportJob {
        import: result {
          imported
          updated
          rejected {
            index
            code
            message
          }
        }
      }
    }
  }
`);

export const ReadCustomer = graphql(`
  query Customer($id: ID!) {
    customer(id: $id) {
      id
      customername
      email
      phone
      country
      updatedAt
    }
  }
`);
