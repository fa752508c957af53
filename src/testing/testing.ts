/** What tests import from `accepted/testing`. */
export type { TestFile, TestUpload } from './memory-files.ts';
export { type JobRun, type RunJobOptions, runJob } from './run-job.ts';
export { type TestServer, type TestServerOptions, startTestServer } from './test-server.ts';
