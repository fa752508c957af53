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
    "\n  mutation SubmitCustomer($input: SubmitCustomerInput!) {\n    submitCustomer(input: $input) {\n      jobId\n      statusUrl\n      job {\n        id\n        status\n        done\n        percentComplete\n        retryAfter\n        input {\n          customername\n        }\n        result {\n          id\n        }\n      }\n    }\n  }\n": typeof types.SubmitCustomerDocument,
    "\n  mutation SubmitCustomerImport($input: SubmitCustomerImportInput!) {\n    submitCustomerImport(input: $input) {\n      jobId\n      statusUrl\n    }\n  }\n": typeof types.SubmitCustomerImportDocument,
    "\n  query JobStatus($id: ID!) {\n    jobStatus(id: $id) {\n      id\n      type\n      status\n      done\n      percentComplete\n      message\n      attempt\n      maxAttempts\n      createdAt\n      lastUpdatedAt\n      startedAt\n      finishedAt\n      expiresAt\n      error {\n        code\n        message\n      }\n      statusUrl\n      resultUrl\n      resourceUrl\n      retryAfter\n      ... on CustomerJob {\n        customer: result {\n          id\n          customername\n          email\n          phone\n          country\n          updatedAt\n        }\n      }\n      ... on CustomerImportJob {\n        import: result {\n          imported\n          updated\n          rejected {\n            index\n            code\n            message\n          }\n        }\n      }\n    }\n  }\n": typeof types.JobStatusDocument,
    "\n  query Customer($id: ID!) {\n    customer(id: $id) {\n      id\n      customername\n      email\n      phone\n      country\n      updatedAt\n    }\n  }\n": typeof types.CustomerDocument,
};
const documents: Documents = {
    "\n  mutation SubmitCustomer($input: SubmitCustomerInput!) {\n    submitCustomer(input: $input) {\n      jobId\n      statusUrl\n      job {\n        id\n        status\n        done\n        percentComplete\n        retryAfter\n        input {\n          customername\n        }\n        result {\n          id\n        }\n      }\n    }\n  }\n": types.SubmitCustomerDocument,
    "\n  mutation SubmitCustomerImport($input: SubmitCustomerImportInput!) {\n    submitCustomerImport(input: $input) {\n      jobId\n      statusUrl\n    }\n  }\n": types.SubmitCustomerImportDocument,
    "\n  query JobStatus($id: ID!) {\n    jobStatus(id: $id) {\n      id\n      type\n      status\n      done\n      percentComplete\n      message\n      attempt\n      maxAttempts\n      createdAt\n      lastUpdatedAt\n      startedAt\n      finishedAt\n      expiresAt\n      error {\n        code\n        message\n      }\n      statusUrl\n      resultUrl\n      resourceUrl\n      retryAfter\n      ... on CustomerJob {\n        customer: result {\n          id\n          customername\n          email\n          phone\n          country\n          updatedAt\n        }\n      }\n      ... on CustomerImportJob {\n        import: result {\n          imported\n          updated\n          rejected {\n            index\n            code\n            message\n          }\n        }\n      }\n    }\n  }\n": types.JobStatusDocument,
    "\n  query Customer($id: ID!) {\n    customer(id: $id) {\n      id\n      customername\n      email\n      phone\n      country\n      updatedAt\n    }\n  }\n": types.CustomerDocument,
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
export function graphql(source: "\n  mutation SubmitCustomer($input: SubmitCustomerInput!) {\n    submitCustomer(input: $input) {\n      jobId\n      statusUrl\n      job {\n        id\n        status\n        done\n        percentComplete\n        retryAfter\n        input {\n          customername\n        }\n        result {\n          id\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  mutation SubmitCustomer($input: SubmitCustomerInput!) {\n    submitCustomer(input: $input) {\n      jobId\n      statusUrl\n      job {\n        id\n        status\n        done\n        percentComplete\n        retryAfter\n        input {\n          customername\n        }\n        result {\n          id\n        }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation SubmitCustomerImport($input: SubmitCustomerImportInput!) {\n    submitCustomerImport(input: $input) {\n      jobId\n      statusUrl\n    }\n  }\n"): (typeof documents)["\n  mutation SubmitCustomerImport($input: SubmitCustomerImportInput!) {\n    submitCustomerImport(input: $input) {\n      jobId\n      statusUrl\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query JobStatus($id: ID!) {\n    jobStatus(id: $id) {\n      id\n      type\n      status\n      done\n      percentComplete\n      message\n      attempt\n      maxAttempts\n      createdAt\n      lastUpdatedAt\n      startedAt\n      finishedAt\n      expiresAt\n      error {\n        code\n        message\n      }\n      statusUrl\n      resultUrl\n      resourceUrl\n      retryAfter\n      ... on CustomerJob {\n        customer: result {\n          id\n          customername\n          email\n          phone\n          country\n          updatedAt\n        }\n      }\n      ... on CustomerImportJob {\n        import: result {\n          imported\n          updated\n          rejected {\n            index\n            code\n            message\n          }\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  query JobStatus($id: ID!) {\n    jobStatus(id: $id) {\n      id\n      type\n      status\n      done\n      percentComplete\n      message\n      attempt\n      maxAttempts\n      createdAt\n      lastUpdatedAt\n      startedAt\n      finishedAt\n      expiresAt\n      error {\n        code\n        message\n      }\n      statusUrl\n      resultUrl\n      resourceUrl\n      retryAfter\n      ... on CustomerJob {\n        customer: result {\n          id\n          customername\n          email\n          phone\n          country\n          updatedAt\n        }\n      }\n      ... on CustomerImportJob {\n        import: result {\n          imported\n          updated\n          rejected {\n            index\n            code\n            message\n          }\n        }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Customer($id: ID!) {\n    customer(id: $id) {\n      id\n      customername\n      email\n      phone\n      country\n      updatedAt\n    }\n  }\n"): (typeof documents)["\n  query Customer($id: ID!) {\n    customer(id: $id) {\n      id\n      customername\n      email\n      phone\n      country\n      updatedAt\n    }\n  }\n"];

export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

export type DocumentType<TDocumentNode extends DocumentNode<any, any>> = TDocumentNode extends DocumentNode<  infer TType,  any>  ? TType  : never;