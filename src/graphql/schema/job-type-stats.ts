import { jobTypeStatsSchema } from '../../core/job-type-stats.ts';
import type { Builder } from '../builder.ts';
import type { FromZod } from './from-zod.ts';

/** Adds what operators see of job types, and do with them. */
export function addJobTypeStats(builder: Builder, fromZod: FromZod): void {
  const name = 'JobTypeStats';
  const stats = fromZod.output({ schema: jobTypeStatsSchema, name, owner: name, path: name }, 'output');
  const access = { scope: 'admin' };
  const args = { nullable: true, type: stats, extensions: { access } } as const;

  builder.queryField('jobTypes', (t) =>
    t.field({
      type: [stats],
      extensions: { access },
      description: 'All job types with the state of their queues, for admins.',
      resolve: (_, _args, { service, caller }) => service.listTypes(caller),
    }),
  );
  builder.mutationFields((t) => ({
    pauseJobType: t.field({
      ...args,
      description:
        'Lets workers take no more jobs of a type until it is resumed, for admins. Jobs that run continue, and others are accepted and wait.',
      args: { type: t.arg.string({ required: true, description: 'Name of the job type.' }) },
      resolve: (_, { type }, { service, caller }) => service.pauseType(type, caller),
    }),
    resumeJobType: t.field({
      ...args,
      description: 'Lets workers take jobs of a paused type again, for admins.',
      args: { type: t.arg.string({ required: true, description: 'Name of the job type.' }) },
      resolve: (_, { type }, { service, caller }) => service.resumeType(type, caller),
    }),
  }));
}
