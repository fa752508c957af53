'use client';
/** React hooks that submit and follow jobs through `accepted/client`, for React 18.3 and later. They need no provider. */
export type { JobState } from './job-state.ts';
export { type FollowedJob, type UseJobOptions, useJob } from './use-job.ts';
export { type SubmittableJob, type UseSubmitOptions, useSubmit } from './use-submit.ts';
export { type FollowedOutput, useOutput } from './use-output.ts';
