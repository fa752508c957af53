/* eslint-disable */
import * as types from './graphql.ts';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';

/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "\n  mutation SubmitBook($input: SubmitBookInput!, $idempotencyKey: String) {\n    submitBook(input: $input, idempotencyKey: $idempotencyKey) {\n      jobId\n      statusUrl\n      replayed\n      job {\n        id\n        status\n        done\n        percentComplete\n        retryAfter\n        input {\n          title\n        }\n        result {\n          id\n        }\n      }\n    }\n  }\n": typeof types.SubmitBookDocument,
    "\n  mutation SubmitBookImport($input: SubmitBookImportInput!) {\n    submitBookImport(input: $input) {\n      jobId\n      statusUrl\n    }\n  }\n": typeof types.SubmitBookImportDocument,
    "\n  query JobStatus($id: ID!, $waitSeconds: Int) {\n    jobStatus(id: $id, waitSeconds: $waitSeconds) {\n      id\n      type\n      status\n      done\n      percentComplete\n      message\n      attempt\n      maxAttempts\n      createdAt\n      lastUpdatedAt\n      startedAt\n      finishedAt\n      expiresAt\n      error {\n        code\n        message\n      }\n      statusUrl\n      resultUrl\n      resourceUrl\n      retryAfter\n      ... on BookJob {\n        book: result {\n          id\n          title\n          publisher\n          isbn\n          language\n          updatedAt\n        }\n      }\n      ... on BookImportJob {\n        import: result {\n          imported\n          updated\n          rejected {\n            index\n            code\n            message\n          }\n        }\n      }\n    }\n  }\n": typeof types.JobStatusDocument,
    "\n  query Book($id: ID!) {\n    book(id: $id) {\n      id\n      title\n      publisher\n      isbn\n      language\n      updatedAt\n    }\n  }\n": typeof types.BookDocument,
    "\n  query Jobs($type: String, $status: [JobStatus!], $first: Int, $after: String) {\n    jobs(type: $type, status: $status, first: $first, after: $after) {\n      edges {\n        cursor\n        node {\n          id\n        }\n      }\n      nodes {\n        id\n        type\n        status\n      }\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n    }\n  }\n": typeof types.JobsDocument,
    "\n  mutation CancelJob($id: ID!) {\n    cancelJob(id: $id) {\n      id\n      status\n      error {\n        code\n      }\n    }\n  }\n": typeof types.CancelJobDocument,
    "\n  mutation RetryJob($id: ID!) {\n    retryJob(id: $id) {\n      id\n      status\n      done\n      error {\n        code\n      }\n      history {\n        attempt\n        error {\n          code\n        }\n      }\n    }\n  }\n": typeof types.RetryJobDocument,
    "\n  subscription JobUpdates($id: ID!) {\n    jobUpdates(id: $id) {\n      id\n      status\n      done\n      percentComplete\n      message\n    }\n  }\n": typeof types.JobUpdatesDocument,
    "\n  subscription JobUpdatesWithResult($id: ID!) {\n    jobUpdates(id: $id) {\n      id\n      status\n      done\n      percentComplete\n      message\n      ... on BookJob {\n        book: result {\n          id\n          title\n        }\n      }\n      ... on BookImportJob {\n        import: result {\n          imported\n          updated\n        }\n      }\n    }\n  }\n": typeof types.JobUpdatesWithResultDocument,
};
const documents: Documents = {
    "\n  mutation SubmitBook($input: SubmitBookInput!, $idempotencyKey: String) {\n    submitBook(input: $input, idempotencyKey: $idempotencyKey) {\n      jobId\n      statusUrl\n      replayed\n      job {\n        id\n        status\n        done\n        percentComplete\n        retryAfter\n        input {\n          title\n        }\n        result {\n          id\n        }\n      }\n    }\n  }\n": types.SubmitBookDocument,
    "\n  mutation SubmitBookImport($input: SubmitBookImportInput!) {\n    submitBookImport(input: $input) {\n      jobId\n      statusUrl\n    }\n  }\n": types.SubmitBookImportDocument,
    "\n  query JobStatus($id: ID!, $waitSeconds: Int) {\n    jobStatus(id: $id, waitSeconds: $waitSeconds) {\n      id\n      type\n      status\n      done\n      percentComplete\n      message\n      attempt\n      maxAttempts\n      createdAt\n      lastUpdatedAt\n      startedAt\n      finishedAt\n      expiresAt\n      error {\n        code\n        message\n      }\n      statusUrl\n      resultUrl\n      resourceUrl\n      retryAfter\n      ... on BookJob {\n        book: result {\n          id\n          title\n          publisher\n          isbn\n          language\n          updatedAt\n        }\n      }\n      ... on BookImportJob {\n        import: result {\n          imported\n          updated\n          rejected {\n            index\n            code\n            message\n          }\n        }\n      }\n    }\n  }\n": types.JobStatusDocument,
    "\n  query Book($id: ID!) {\n    book(id: $id) {\n      id\n      title\n      publisher\n      isbn\n      language\n      updatedAt\n    }\n  }\n": types.BookDocument,
    "\n  query Jobs($type: String, $status: [JobStatus!], $first: Int, $after: String) {\n    jobs(type: $type, status: $status, first: $first, after: $after) {\n      edges {\n        cursor\n        node {\n          id\n        }\n      }\n      nodes {\n        id\n        type\n        status\n      }\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n    }\n  }\n": types.JobsDocument,
    "\n  mutation CancelJob($id: ID!) {\n    cancelJob(id: $id) {\n      id\n      status\n      error {\n        code\n      }\n    }\n  }\n": types.CancelJobDocument,
    "\n  mutation RetryJob($id: ID!) {\n    retryJob(id: $id) {\n      id\n      status\n      done\n      error {\n        code\n      }\n      history {\n        attempt\n        error {\n          code\n        }\n      }\n    }\n  }\n": types.RetryJobDocument,
    "\n  subscription JobUpdates($id: ID!) {\n    jobUpdates(id: $id) {\n      id\n      status\n      done\n      percentComplete\n      message\n    }\n  }\n": types.JobUpdatesDocument,
    "\n  subscription JobUpdatesWithResult($id: ID!) {\n    jobUpdates(id: $id) {\n      id\n      status\n      done\n      percentComplete\n      message\n      ... on BookJob {\n        book: result {\n          id\n          title\n        }\n      }\n      ... on BookImportJob {\n        import: result {\n          imported\n          updated\n        }\n      }\n    }\n  }\n": types.JobUpdatesWithResultDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 *
 *
 * @example
 * ```ts
 * const query = graphql(`query GetUser($id: ID!) { user(id: $id) { name } }`);
 * ```
 *
 * The query argument is unknown!
 * Please regenerate the types.
 */
export function graphql(source: string): unknown;

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation SubmitBook($input: SubmitBookInput!, $idempotencyKey: String) {\n    submitBook(input: $input, idempotencyKey: $idempotencyKey) {\n      jobId\n      statusUrl\n      replayed\n      job {\n        id\n        status\n        done\n        percentComplete\n        retryAfter\n        input {\n          title\n        }\n        result {\n          id\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  mutation SubmitBook($input: SubmitBookInput!, $idempotencyKey: String) {\n    submitBook(input: $input, idempotencyKey: $idempotencyKey) {\n      jobId\n      statusUrl\n      replayed\n      job {\n        id\n        status\n        done\n        percentComplete\n        retryAfter\n        input {\n          title\n        }\n        result {\n          id\n        }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation SubmitBookImport($input: SubmitBookImportInput!) {\n    submitBookImport(input: $input) {\n      jobId\n      statusUrl\n    }\n  }\n"): (typeof documents)["\n  mutation SubmitBookImport($input: SubmitBookImportInput!) {\n    submitBookImport(input: $input) {\n      jobId\n      statusUrl\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query JobStatus($id: ID!, $waitSeconds: Int) {\n    jobStatus(id: $id, waitSeconds: $waitSeconds) {\n      id\n      type\n      status\n      done\n      percentComplete\n      message\n      attempt\n      maxAttempts\n      createdAt\n      lastUpdatedAt\n      startedAt\n      finishedAt\n      expiresAt\n      error {\n        code\n        message\n      }\n      statusUrl\n      resultUrl\n      resourceUrl\n      retryAfter\n      ... on BookJob {\n        book: result {\n          id\n          title\n          publisher\n          isbn\n          language\n          updatedAt\n        }\n      }\n      ... on BookImportJob {\n        import: result {\n          imported\n          updated\n          rejected {\n            index\n            code\n            message\n          }\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  query JobStatus($id: ID!, $waitSeconds: Int) {\n    jobStatus(id: $id, waitSeconds: $waitSeconds) {\n      id\n      type\n      status\n      done\n      percentComplete\n      message\n      attempt\n      maxAttempts\n      createdAt\n      lastUpdatedAt\n      startedAt\n      finishedAt\n      expiresAt\n      error {\n        code\n        message\n      }\n      statusUrl\n      resultUrl\n      resourceUrl\n      retryAfter\n      ... on BookJob {\n        book: result {\n          id\n          title\n          publisher\n          isbn\n          language\n          updatedAt\n        }\n      }\n      ... on BookImportJob {\n        import: result {\n          imported\n          updated\n          rejected {\n            index\n            code\n            message\n          }\n        }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Book($id: ID!) {\n    book(id: $id) {\n      id\n      title\n      publisher\n      isbn\n      language\n      updatedAt\n    }\n  }\n"): (typeof documents)["\n  query Book($id: ID!) {\n    book(id: $id) {\n      id\n      title\n      publisher\n      isbn\n      language\n      updatedAt\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Jobs($type: String, $status: [JobStatus!], $first: Int, $after: String) {\n    jobs(type: $type, status: $status, first: $first, after: $after) {\n      edges {\n        cursor\n        node {\n          id\n        }\n      }\n      nodes {\n        id\n        type\n        status\n      }\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n    }\n  }\n"): (typeof documents)["\n  query Jobs($type: String, $status: [JobStatus!], $first: Int, $after: String) {\n    jobs(type: $type, status: $status, first: $first, after: $after) {\n      edges {\n        cursor\n        node {\n          id\n        }\n      }\n      nodes {\n        id\n        type\n        status\n      }\n      pageInfo {\n        hasNextPage\n        endCursor\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CancelJob($id: ID!) {\n    cancelJob(id: $id) {\n      id\n      status\n      error {\n        code\n      }\n    }\n  }\n"): (typeof documents)["\n  mutation CancelJob($id: ID!) {\n    cancelJob(id: $id) {\n      id\n      status\n      error {\n        code\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation RetryJob($id: ID!) {\n    retryJob(id: $id) {\n      id\n      status\n      done\n      error {\n        code\n      }\n      history {\n        attempt\n        error {\n          code\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  mutation RetryJob($id: ID!) {\n    retryJob(id: $id) {\n      id\n      status\n      done\n      error {\n        code\n      }\n      history {\n        attempt\n        error {\n          code\n        }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription JobUpdates($id: ID!) {\n    jobUpdates(id: $id) {\n      id\n      status\n      done\n      percentComplete\n      message\n    }\n  }\n"): (typeof documents)["\n  subscription JobUpdates($id: ID!) {\n    jobUpdates(id: $id) {\n      id\n      status\n      done\n      percentComplete\n      message\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription JobUpdatesWithResult($id: ID!) {\n    jobUpdates(id: $id) {\n      id\n      status\n      done\n      percentComplete\n      message\n      ... on BookJob {\n        book: result {\n          id\n          title\n        }\n      }\n      ... on BookImportJob {\n        import: result {\n          imported\n          updated\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  subscription JobUpdatesWithResult($id: ID!) {\n    jobUpdates(id: $id) {\n      id\n      status\n      done\n      percentComplete\n      message\n      ... on BookJob {\n        book: result {\n          id\n          title\n        }\n      }\n      ... on BookImportJob {\n        import: result {\n          imported\n          updated\n        }\n      }\n    }\n  }\n"];

export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

export type DocumentType<TDocumentNode extends DocumentNode<any, any>> = TDocumentNode extends DocumentNode<  infer TType,  any>  ? TType  : never;