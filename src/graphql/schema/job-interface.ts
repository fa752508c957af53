import {
  GraphQLBoolean,
  GraphQLEnumType,
  type GraphQLFieldConfigMap,
  GraphQLID,
  GraphQLInt,
  GraphQLInterfaceType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLString,
} from 'graphql';
import { type Job, jobStatusSchema } from '../../core/job.ts';
import { LazyJobView } from '../../core/job-view.ts';
import type { GraphQLContext } from '../context.ts';
import { DateTime, Url } from './scalars.ts';

/** What a field of a job is resolved from. */
export type JobSource = LazyJobView;

export function toJobSource(job: Job, { service, urls }: GraphQLContext): JobSource {
  return new LazyJobView(job, service.registry.get(job.type), urls, service.retryAfter);
}

export const jobStatusType = new GraphQLEnumType({
  name: 'JobStatus',
  description:
    'PENDING → RUNNING → SUCCEEDED, FAILED or CANCELED. A job that waits for its next attempt is PENDING again.',
  values: Object.fromEntries(jobStatusSchema.options.map((status) => [status.toUpperCase(), { value: status }])),
});

const jobErrorType = new GraphQLObjectType({
  name: 'JobError',
  description: 'Why a job did not succeed.',
  fields: {
    code: { type: new GraphQLNonNull(GraphQLString), description: 'JOB_FAILED, or what the job type says.' },
    message: { type: new GraphQLNonNull(GraphQLString) },
  },
});

const jobAttemptType = new GraphQLObjectType({
  name: 'JobAttempt',
  description: 'An attempt that did not succeed.',
  fields: {
    attempt: { type: new GraphQLNonNull(GraphQLInt), description: '1 for the first.' },
    startedAt: { type: new GraphQLNonNull(DateTime) },
    finishedAt: { type: new GraphQLNonNull(DateTime) },
    error: { type: new GraphQLNonNull(jobErrorType) },
  },
});

const required = { int: new GraphQLNonNull(GraphQLInt), dateTime: new GraphQLNonNull(DateTime) };

/** The fields that jobs of all types have; each is a property of JobView. */
export const jobFields: GraphQLFieldConfigMap<JobSource, GraphQLContext> = {
  id: { type: new GraphQLNonNull(GraphQLID) },
  type: { type: new GraphQLNonNull(GraphQLString), description: 'Name of the job type.' },
  status: { type: new GraphQLNonNull(jobStatusType) },
  done: { type: new GraphQLNonNull(GraphQLBoolean), description: 'Whether the status is final.' },
  percentComplete: { type: required.int, description: '0 to 100; 100 when succeeded.' },
  message: { type: GraphQLString, description: 'The last progress message.' },
  attempt: { type: required.int, description: 'Attempts started so far.' },
  maxAttempts: { type: required.int, description: 'The most attempts there will be.' },
  createdAt: { type: required.dateTime },
  lastUpdatedAt: { type: required.dateTime },
  startedAt: { type: DateTime },
  finishedAt: { type: DateTime },
  expiresAt: { type: DateTime, description: 'When a finished job is forgotten.' },
  error: { type: jobErrorType, description: 'Only for FAILED and CANCELED.' },
  statusUrl: { type: new GraphQLNonNull(Url), description: 'GET it to poll.' },
  resultUrl: { type: Url, description: 'Null until succeeded.' },
  resourceUrl: { type: Url, description: 'What the work made; null until succeeded, or where there is none.' },
  retryAfter: { type: GraphQLInt, description: 'Seconds a poller should wait; null when done.' },
  history: {
    type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(jobAttemptType))),
    description: 'The attempts that did not succeed, oldest first; a retry keeps them.',
  },
};

/** @param typeName gives the name of the object type that stands for a job type */
export function createJobInterface(typeName: (jobType: string) => string): GraphQLInterfaceType {
  return new GraphQLInterfaceType({
    name: 'Job',
    description: 'One accepted request for work.',
    fields: jobFields,
    resolveType: (source: JobSource) => typeName(source.type),
  });
}
