import type { GraphQLResolveInfo } from 'graphql';
import { z } from 'zod';
import { type BulkActionInput, bulkAction } from '../../core/bulk/bulk-action.ts';
import { readIdempotencyKey } from '../../core/input/idempotency-key.ts';
import { parseInput } from '../../core/input/parse-input.ts';
import type { Builder, GraphQLContext } from '../builder.ts';
import type { FromZod } from './from-zod.ts';
import { type JobFilterInput, filterSchema, toFilter } from './job-filter.ts';
import { type JobInterface, type JobSource, toJobSource } from './job.ts';
import { addJobObject } from './job-type.ts';

const argumentsSchema = z.object({ filter: filterSchema });

/** Adds the jobs that cancel and retry many others, and the mutations that submit them. */
export function addBulkActions(builder: Builder, job: JobInterface, filter: JobFilterInput, fromZod: FromZod): void {
  const { object: type } = addJobObject(builder, bulkAction, job, fromZod);
  const extensions = { access: { scope: 'submit' } };
  builder.mutationFields((t) => ({
    cancelJobs: t.field({
      type,
      nullable: true,
      extensions,
      description:
        'Submits a job that cancels all PENDING and RUNNING jobs which match and were created before this call; for an admin those of all callers.',
      args: { filter: t.arg({ type: filter, required: true, description: 'With at least one field.' }) },
      resolve: (_, args, context, info) => submit('cancel', args, context, info),
    }),
    retryJobs: t.field({
      type,
      nullable: true,
      extensions,
      description:
        'Submits a job that retries all FAILED jobs which match and ended before this call, and CANCELED ones where the filter names that status; for an admin those of all callers.',
      args: { filter: t.arg({ type: filter, required: true, description: 'With at least one field.' }) },
      resolve: (_, args, context, info) => submit('retry', args, context, info),
    }),
  }));
}

async function submit(
  action: BulkActionInput['action'],
  args: unknown,
  context: GraphQLContext,
  { path }: GraphQLResolveInfo,
): Promise<JobSource> {
  const { service, caller, requestId, idempotencyKeyHeader } = context;
  const filter = toFilter(parseInput(argumentsSchema, args).filter);
  const header = readIdempotencyKey(undefined, idempotencyKeyHeader);
  // The header is for the whole document, which may submit more than once.
  const idempotencyKey = header === undefined ? undefined : `${header}\n${path.key}`;
  const { job } = await service.submitBulk({ action, filter, caller, requestId, idempotencyKey });
  return toJobSource(job, context);
}
