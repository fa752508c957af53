import { z } from 'zod';
import { jobStatusSchema } from '../../core/job.ts';
import { DEFAULT_PAGE_SIZE, cursorSchema, pageSizeSchema, toCursor } from '../../core/service/list-page.ts';
import { parseInput } from '../../core/input/parse-input.ts';
import type { Builder, GraphQLContext } from '../builder.ts';
import { type JobFilterInput, filterSchema, toFilter } from './job-filter.ts';
import { type JobInterface, type JobSource, type JobStatusEnum, toJobSource } from './job.ts';

interface JobEdge {
  readonly cursor: string;
  readonly node: JobSource;
}

interface PageInfo {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}

interface JobConnection {
  readonly edges: readonly JobEdge[];
  readonly nodes: readonly JobSource[];
  readonly pageInfo: PageInfo;
}

export type JobConnectionObject = ReturnType<typeof addJobConnection>;

/** Adds the list of jobs (GraphQL Cursor Connections Specification). */
export function addJobConnection(
  builder: Builder,
  job: JobInterface,
  jobStatus: JobStatusEnum,
  jobFilter: JobFilterInput,
) {
  const pageInfo = builder.objectRef<PageInfo>('PageInfo').implement({
    description: 'The position of a page in its list (GraphQL Cursor Connections Specification).',
    fields: (t) => ({
      hasNextPage: t.exposeBoolean('hasNextPage'),
      hasPreviousPage: t.exposeBoolean('hasPreviousPage', {
        description: 'Always false: lists can only be read forwards.',
      }),
      startCursor: t.exposeString('startCursor', { nullable: true }),
      endCursor: t.exposeString('endCursor', {
        nullable: true,
        description: 'Pass it as `after` to read the next page.',
      }),
    }),
  });
  const edge = builder.objectRef<JobEdge>('JobEdge').implement({
    fields: (t) => ({ cursor: t.exposeString('cursor'), node: t.expose('node', { type: job }) }),
  });
  const connection = builder.objectRef<JobConnection>('JobConnection').implement({
    description: 'A page of jobs, newest first.',
    fields: (t) => ({
      edges: t.expose('edges', { type: [edge] }),
      nodes: t.expose('nodes', { type: [job] }),
      pageInfo: t.expose('pageInfo', { type: pageInfo }),
    }),
  });
  builder.queryField('jobs', (t) =>
    t.field({
      type: connection,
      extensions: { access: { scope: 'read' } },
      description: "The caller's jobs, newest first; for an admin those of all callers.",
      args: {
        filter: t.arg({ type: jobFilter, description: 'Only jobs that match.' }),
        type: t.arg.string({ description: 'The same as in `filter`.' }),
        status: t.arg({ type: [jobStatus], description: 'The same as in `filter`.' }),
        first: t.arg.int({
          defaultValue: DEFAULT_PAGE_SIZE,
          description: 'Size of the page, from 1 to 100; the page is shorter where results are large.',
        }),
        after: t.arg.string({ description: 'The `endCursor` of the previous page.' }),
      },
      resolve: (_, args, context) => listJobs(args, context),
    }),
  );
  return connection;
}

const argumentsSchema = z.object({
  filter: filterSchema.nullish(),
  type: z.string().nullish(),
  status: z.array(jobStatusSchema).nullish(),
  first: pageSizeSchema.nullish(),
  after: cursorSchema.nullish(),
});

/** @param args those of the field `jobs` */
export async function listJobs(args: unknown, context: GraphQLContext): Promise<JobConnection> {
  const { filter, first, after, ...older } = parseInput(argumentsSchema, args);
  const page = { limit: first ?? DEFAULT_PAGE_SIZE, after: after ?? undefined };
  const request = { ...toFilter(filter, older), ...page };
  const { service, budget, caller } = context;
  const { jobs, nextCursor } = await budget.readPage(() => service.list(request, caller));
  const nodes = jobs.map((job) => toJobSource(job, context));
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
