import { z } from 'zod';
import { parseInput } from '../../core/input/parse-input.ts';
import type { Job } from '../../core/job.ts';
import type { JobFilter } from '../../core/service/job-filter.ts';
import type { Builder, GraphQLContext } from '../builder.ts';
import { type JobFilterInput, filterSchema, toFilter } from './job-filter.ts';
import { type JobInterface, toChanged } from './job.ts';

const argumentsSchema = z.object({ filter: filterSchema.nullish() });

/** Adds the subscription to the changes of all jobs that match a filter. */
export function addJobChanges(builder: Builder, job: JobInterface, jobFilter: JobFilterInput): void {
  builder.subscriptionField('jobChanges', (t) =>
    t.field({
      type: job,
      extensions: { access: { scope: 'read' } },
      description:
        'Each job that matches, after each change and when it is added; one that has left the `status` of the filter once more. Read `jobs` each time the stream begins: it breaks off where changes may have been missed.',
      args: { filter: t.arg({ type: jobFilter, description: 'Only jobs that match.' }) },
      subscribe: (_, args, context) => watchAll(toFilter(parseInput(argumentsSchema, args).filter), context),
      resolve: (changed: Job, _, context) => toChanged(changed, context),
    }),
  );
}

async function watchAll(
  filter: JobFilter,
  { service, caller, whenGone, breakOff }: GraphQLContext,
): Promise<AsyncGenerator<Job, void, void>> {
  const states = await service.watchAll(filter, caller, whenGone());
  return (async function* untilBroken() {
    yield* states;
    // Ending the stream would send `complete`, after which clients do not reconnect.
    await breakOff();
  })();
}
