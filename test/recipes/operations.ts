import { graphql } from './generated/gql.ts';

export const Submit = graphql(`
  mutation Submit($input: SubmitCustomerImportInput!, $idempotencyKey: String) {
    submitCustomerImport(input: $input, idempotencyKey: $idempotencyKey) {
      jobId
    }
  }
`);

export const Status = graphql(`
  query Status($id: ID!) {
    jobStatus(id: $id, waitSeconds: 30) {
      status
      done
      error {
        message
      }
      ... on CustomerImportJob {
        result {
          imported
        }
      }
    }
  }
`);

export const Updates = graphql(`
  subscription Updates($id: ID!) {
    jobUpdates(id: $id) {
      id
      status
      percentComplete
      error {
        message
      }
      ... on CustomerImportJob {
        result {
          imported
        }
      }
    }
  }
`);
