import { z } from 'zod';
import { invalidInput } from '../../core/input/parse-input.ts';
import { anyTagSchema } from '../../core/input/submit-options.ts';
import { jobStatusSchema } from '../../core/job.ts';
import { type JobFilter, NOT_A_PERIOD, callerIdSchema, isPeriod, timeSchema } from '../../core/service/job-filter.ts';
import type { Builder } from '../builder.ts';
import type { JobStatusEnum } from './job.ts';

export type JobFilterInput = ReturnType<typeof addJobFilter>;

/** Adds the input that says which jobs: for lists, and for everything else that is about several jobs. */
export function addJobFilter(builder: Builder, jobStatus: JobStatusEnum) {
  return builder.inputType('JobFilter', {
    description: 'Which jobs: those for which every field that is given holds.',
    fields: (t) => ({
      type: t.string({ description: 'Only jobs of this type.' }),
      status: t.field({ type: [jobStatus], description: 'Only jobs in any of these states.' }),
      caller: t.string({
        description:
          "Only jobs of the caller with this id. Another's are for admins, who see the jobs of all callers without it.",
      }),
      tag: t.string({ description: 'Only jobs with this tag.' }),
      createdAfter: t.field({ type: 'DateTime', description: 'Only jobs that were created at this time or later.' }),
      createdBefore: t.field({ type: 'DateTime', description: 'Only jobs that were created before this time.' }),
    }),
  });
}

export const filterSchema = z
  .object({
    type: z.string().nullish(),
    status: z.array(jobStatusSchema).nullish(),
    caller: callerIdSchema.nullish(),
    tag: anyTagSchema.nullish(),
    createdAfter: timeSchema.nullish(),
    createdBefore: timeSchema.nullish(),
  })
  .refine(isPeriod, NOT_A_PERIOD);

type FilterArguments = z.output<typeof filterSchema>;

/**
 * @param older the arguments that were there before the filter
 * @throws ServiceError `invalid-input`, for what both have
 */
export function toFilter(
  filter: FilterArguments | null | undefined,
  older: Pick<FilterArguments, 'type' | 'status'> = {},
): JobFilter {
  const twice = (['type', 'status'] as const).filter((name) => filter?.[name] != null && older[name] != null);
  if (twice.length > 0) {
    const message = 'Given twice: here, and by the argument of the same name';
    throw invalidInput(twice.map((name) => ({ path: ['filter', name], message })));
  }
  const { type, status, caller, tag, createdAfter, createdBefore } = { ...filter };
  const statuses = status ?? older.status;
  return {
    type: type ?? older.type ?? undefined,
    statuses: statuses?.length ? statuses : undefined,
    caller: caller ?? undefined,
    tag: tag ?? undefined,
    createdAfter: createdAfter ?? undefined,
    createdBefore: createdBefore ?? undefined,
  };
}
