import { graphql } from './generated/gql.ts';

export const SubmitBook = graphql(`
  mutation SubmitBook($input: SubmitBookInput!, $idempotencyKey: String) {
    submitBook(input: $input, idempotencyKey: $idempotencyKey) {
      jobId
      statusUrl
      replayed
      job {
        id
        status
        done
        percentComplete
        retryAfter
        input {
          title
        }
        result {
          id
        }
      }
    }
  }
`);

export const SubmitBookImport = graphql(`
  mutation SubmitBookImport($input: SubmitBookImportInput!) {
    submitBookImport(input: $input) {
      jobId
      statusUrl
    }
  }
`);

export const JobStatus = graphql(`
  query JobStatus($id: ID!, $waitSeconds: Int) {
    jobStatus(id: $id, waitSeconds: $waitSeconds) {
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
      ... on BookJob {
        book: result {
          id
          title
          publisher
          isbn
          language
          updatedAt
        }
      }
      ... on BookImportJob {
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

export const ReadBook = graphql(`
  query Book($id: ID!) {
    book(id: $id) {
      id
      title
      publisher
      isbn
      language
      updatedAt
    }
  }
`);

export const ListJobs = graphql(`
  query Jobs($type: String, $status: [JobStatus!], $first: Int, $after: String) {
    jobs(type: $type, status: $status, first: $first, after: $after) {
      edges {
        cursor
        node {
          id
        }
      }
      nodes {
        id
        type
        status
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export const CancelJob = graphql(`
  mutation CancelJob($id: ID!) {
    cancelJob(id: $id) {
      id
      status
      error {
        code
      }
    }
  }
`);

export const RetryJob = graphql(`
  mutation RetryJob($id: ID!) {
    retryJob(id: $id) {
      id
      status
      done
      error {
        code
      }
      history {
        attempt
        error {
          code
        }
      }
    }
  }
`);

export const JobUpdates = graphql(`
  subscription JobUpdates($id: ID!) {
    jobUpdates(id: $id) {
      id
      status
      done
      percentComplete
      message
    }
  }
`);

export const JobUpdatesWithResult = graphql(`
  subscription JobUpdatesWithResult($id: ID!) {
    jobUpdates(id: $id) {
      id
      status
      done
      percentComplete
      message
      ... on BookJob {
        book: result {
          id
          title
        }
      }
      ... on BookImportJob {
        import: result {
          imported
          updated
        }
      }
    }
  }
`);
