/* eslint-disable */
import * as types from './graphql.ts';



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
    "fragment JobRow on Job {\n  id\n  type\n  status\n  done\n  cancelRequested\n  percentComplete\n  message\n  attempt\n  maxAttempts\n  createdAt\n  startedAt\n  finishedAt\n  caller\n  error {\n    code\n  }\n}\n\nfragment JobDetails on Job {\n  ...JobRow\n  lastUpdatedAt\n  expiresAt\n  error {\n    code\n    message\n  }\n  statusUrl\n  resultUrl\n  resourceUrl\n  traceId\n  history {\n    attempt\n    startedAt\n    finishedAt\n    error {\n      code\n      message\n    }\n  }\n}\n\nquery Jobs($filter: JobFilter, $first: Int!, $after: String) {\n  jobs(filter: $filter, first: $first, after: $after) {\n    nodes {\n      ...JobRow\n    }\n    pageInfo {\n      hasNextPage\n      endCursor\n    }\n  }\n}\n\nquery Job($id: ID!) {\n  jobStatus(id: $id) {\n    ...JobDetails\n  }\n}\n\nsubscription JobUpdates($id: ID!) {\n  jobUpdates(id: $id) {\n    ...JobDetails\n  }\n}\n\nmutation CancelJob($id: ID!) {\n  cancelJob(id: $id) {\n    ...JobDetails\n  }\n}\n\nmutation RetryJob($id: ID!) {\n  retryJob(id: $id) {\n    ...JobDetails\n  }\n}\n\nfragment TypeStats on JobTypeStats {\n  name\n  description\n  paused\n  counts {\n    pending\n    running\n    succeeded\n    failed\n    canceled\n    exact\n  }\n  lastMinute {\n    succeeded\n    failed\n  }\n  lastHour {\n    succeeded\n    failed\n  }\n  lastDay {\n    succeeded\n    failed\n  }\n  oldestWaitingSeconds\n  duration {\n    p50\n    p95\n  }\n  waiting {\n    p50\n    p95\n  }\n  history {\n    succeeded\n    failed\n  }\n}\n\nquery JobTypes {\n  jobTypes {\n    ...TypeStats\n  }\n}\n\nmutation PauseJobType($type: String!) {\n  pauseJobType(type: $type) {\n    ...TypeStats\n  }\n}\n\nmutation ResumeJobType($type: String!) {\n  resumeJobType(type: $type) {\n    ...TypeStats\n  }\n}": typeof types.JobRowFragmentDoc,
};
const documents: Documents = {
    "fragment JobRow on Job {\n  id\n  type\n  status\n  done\n  cancelRequested\n  percentComplete\n  message\n  attempt\n  maxAttempts\n  createdAt\n  startedAt\n  finishedAt\n  caller\n  error {\n    code\n  }\n}\n\nfragment JobDetails on Job {\n  ...JobRow\n  lastUpdatedAt\n  expiresAt\n  error {\n    code\n    message\n  }\n  statusUrl\n  resultUrl\n  resourceUrl\n  traceId\n  history {\n    attempt\n    startedAt\n    finishedAt\n    error {\n      code\n      message\n    }\n  }\n}\n\nquery Jobs($filter: JobFilter, $first: Int!, $after: String) {\n  jobs(filter: $filter, first: $first, after: $after) {\n    nodes {\n      ...JobRow\n    }\n    pageInfo {\n      hasNextPage\n      endCursor\n    }\n  }\n}\n\nquery Job($id: ID!) {\n  jobStatus(id: $id) {\n    ...JobDetails\n  }\n}\n\nsubscription JobUpdates($id: ID!) {\n  jobUpdates(id: $id) {\n    ...JobDetails\n  }\n}\n\nmutation CancelJob($id: ID!) {\n  cancelJob(id: $id) {\n    ...JobDetails\n  }\n}\n\nmutation RetryJob($id: ID!) {\n  retryJob(id: $id) {\n    ...JobDetails\n  }\n}\n\nfragment TypeStats on JobTypeStats {\n  name\n  description\n  paused\n  counts {\n    pending\n    running\n    succeeded\n    failed\n    canceled\n    exact\n  }\n  lastMinute {\n    succeeded\n    failed\n  }\n  lastHour {\n    succeeded\n    failed\n  }\n  lastDay {\n    succeeded\n    failed\n  }\n  oldestWaitingSeconds\n  duration {\n    p50\n    p95\n  }\n  waiting {\n    p50\n    p95\n  }\n  history {\n    succeeded\n    failed\n  }\n}\n\nquery JobTypes {\n  jobTypes {\n    ...TypeStats\n  }\n}\n\nmutation PauseJobType($type: String!) {\n  pauseJobType(type: $type) {\n    ...TypeStats\n  }\n}\n\nmutation ResumeJobType($type: String!) {\n  resumeJobType(type: $type) {\n    ...TypeStats\n  }\n}": types.JobRowFragmentDoc,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "fragment JobRow on Job {\n  id\n  type\n  status\n  done\n  cancelRequested\n  percentComplete\n  message\n  attempt\n  maxAttempts\n  createdAt\n  startedAt\n  finishedAt\n  caller\n  error {\n    code\n  }\n}\n\nfragment JobDetails on Job {\n  ...JobRow\n  lastUpdatedAt\n  expiresAt\n  error {\n    code\n    message\n  }\n  statusUrl\n  resultUrl\n  resourceUrl\n  traceId\n  history {\n    attempt\n    startedAt\n    finishedAt\n    error {\n      code\n      message\n    }\n  }\n}\n\nquery Jobs($filter: JobFilter, $first: Int!, $after: String) {\n  jobs(filter: $filter, first: $first, after: $after) {\n    nodes {\n      ...JobRow\n    }\n    pageInfo {\n      hasNextPage\n      endCursor\n    }\n  }\n}\n\nquery Job($id: ID!) {\n  jobStatus(id: $id) {\n    ...JobDetails\n  }\n}\n\nsubscription JobUpdates($id: ID!) {\n  jobUpdates(id: $id) {\n    ...JobDetails\n  }\n}\n\nmutation CancelJob($id: ID!) {\n  cancelJob(id: $id) {\n    ...JobDetails\n  }\n}\n\nmutation RetryJob($id: ID!) {\n  retryJob(id: $id) {\n    ...JobDetails\n  }\n}\n\nfragment TypeStats on JobTypeStats {\n  name\n  description\n  paused\n  counts {\n    pending\n    running\n    succeeded\n    failed\n    canceled\n    exact\n  }\n  lastMinute {\n    succeeded\n    failed\n  }\n  lastHour {\n    succeeded\n    failed\n  }\n  lastDay {\n    succeeded\n    failed\n  }\n  oldestWaitingSeconds\n  duration {\n    p50\n    p95\n  }\n  waiting {\n    p50\n    p95\n  }\n  history {\n    succeeded\n    failed\n  }\n}\n\nquery JobTypes {\n  jobTypes {\n    ...TypeStats\n  }\n}\n\nmutation PauseJobType($type: String!) {\n  pauseJobType(type: $type) {\n    ...TypeStats\n  }\n}\n\nmutation ResumeJobType($type: String!) {\n  resumeJobType(type: $type) {\n    ...TypeStats\n  }\n}"): typeof import('./graphql.ts').JobRowFragmentDoc;


export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}
