import {
  type GraphQLFieldConfigMap,
  GraphQLID,
  GraphQLInt,
  type GraphQLInterfaceType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLString,
} from 'graphql';
import { z } from 'zod';
import type { Job, JobStatus } from '../../core/job.ts';
import { DEFAULT_PAGE_SIZE, cursorSchema, pageSizeSchema, toCursor } from '../../core/service/list-page.ts';
import { parseInput } from '../../core/input/parse-input.ts';
import type { GraphQLContext } from '../context.ts';
import { createJobConnection } from './job-connection.ts';
import { type JobSource, jobStatusType, toJobSource } from './job-interface.ts';

type Fields = GraphQLFieldConfigMap<unknown, GraphQLContext>;

const id = { type: new GraphQLNonNull(GraphQLID) };

const waitSchema = z.object({ waitSeconds: z.int().min(0) });

const pageSchema = z.object({
  first: pageSizeSchema.nullish(),
  after: cursorSchema.nullish(),
});

interface ListArguments {
  readonly type?: string | null;
  readonly status?: readonly JobStatus[] | null;
  readonly first?: number | null;
  readonly after?: string | null;
}

/** The operations that jobs of all types have. */
export function createJobOperations(
  jobInterface: GraphQLInterfaceType,
): Record<'query' | 'mutation' | 'subscription', Fields> {
  const job = new GraphQLNonNull(jobInterface);
  return {
    query: {
      jobStatus: {
        type: jobInterface,
        description: 'A job as it is now; null if there is none with this id.',
        args: {
          id,
          waitSeconds: {
            type: GraphQLInt,
            defaultValue: 0,
            description: 'Holds the reply until the job is done, or so many seconds are over; 60 at most.',
          },
        },
        async resolve(_, args: { id: string; waitSeconds: number | null }, context) {
          const found = await (args.waitSeconds
            ? wait(args.id, args.waitSeconds, context)
            : context.service.read(args.id, context.caller));
          return found && toJobSource(found, context);
        },
      },
      jobs: {
        type: new GraphQLNonNull(createJobConnection(jobInterface)),
        description: "The caller's jobs, newest first.",
        args: {
          type: { type: GraphQLString, description: 'Name of a job type.' },
          status: { type: new GraphQLList(new GraphQLNonNull(jobStatusType)), description: 'Any of these.' },
          first: { type: GraphQLInt, defaultValue: DEFAULT_PAGE_SIZE, description: 'Size of the page, from 1 to 100.' },
          after: { type: GraphQLString, description: 'The `endCursor` of the page before.' },
        },
        resolve: (_, args: ListArguments, context) => listJobs(args, context),
      },
    },
    mutation: {
      cancelJob: {
        type: job,
        description: 'Cancels a job: at once if it is PENDING; one that is RUNNING is told to stop, and ends CANCELED.',
        args: { id },
        resolve: async (_, args: { id: string }, context) =>
          toJobSource(await context.service.cancel(args.id, context.caller), context),
      },
      retryJob: {
        type: job,
        description: 'Puts a job that FAILED or was CANCELED back, with all its attempts once more.',
        args: { id },
        resolve: async (_, args: { id: string }, context) =>
          toJobSource(await context.service.retry(args.id, context.caller), context),
      },
    },
    subscription: {
      jobUpdates: {
        type: job,
        description: 'The job as it is, then each change; ends when the job is done.',
        args: { id },
        async *subscribe(_, args: { id: string }, context) {
          yield* context.service.watch(args.id, context.caller, context.whenGone());
          // An end would be told as `complete`, and the client would not come again.
          if (context.service.stopping.aborted) await context.breakOff();
        },
        // What `subscribe` yields.
        resolve: (source, _, context) => toJobSource(source as Job, context),
      },
    },
  };
}

async function wait(
  jobId: string,
  seconds: number,
  { service, caller, whenGone }: GraphQLContext,
): Promise<Job | undefined> {
  const { waitSeconds } = parseInput(waitSchema, { waitSeconds: seconds });
  return service.wait(jobId, caller, waitSeconds, whenGone());
}

async function listJobs({ type, status, ...page }: ListArguments, context: GraphQLContext): Promise<object> {
  const { first, after } = parseInput(pageSchema, page);
  const { jobs, nextCursor } = await context.service.list(
    {
      type: type ?? undefined,
      statuses: status?.length ? status : undefined,
      limit: first ?? DEFAULT_PAGE_SIZE,
      after: after ?? undefined,
    },
    context.caller,
  );
  const nodes: JobSource[] = jobs.map((job) => toJobSource(job, context));
  const edges = nodes.map((node) => ({ cursor: toCursor(node.job), node }));
  return {
    edges,
    nodes,
    pageInfo: {
      hasNextPage: nextCursor !== null,
      hasPreviousPage: false,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: nextCursor ?? edges.at(-1)?.cursor ?? null,
    },
  };
}
