/** Submitting the jobs that cancel or retry many others. */
import { type Caller, listedCaller, requireScope } from '../access/caller.ts';
import { type BulkActionInput, bulkAction } from '../bulk/bulk-action.ts';
import { invalidInput } from '../input/parse-input.ts';
import type { JobStatus } from '../job.ts';
import { AUDIT, type Logger } from '../ports.ts';
import type { Registry } from '../registry.ts';
import type { JobFilter } from './job-filter.ts';
import type { BulkService } from './service.ts';
import type { Submission, SubmittedJob } from './submission.ts';

/** The jobs that each action changes, and those that it changes unless the filter names others. */
const STATUSES: Readonly<
  Record<BulkActionInput['action'], { readonly all: readonly JobStatus[]; readonly default: readonly JobStatus[] }>
> = {
  cancel: { all: ['Pending', 'Running'], default: ['Pending', 'Running'] },
  // What was canceled on purpose is retried on purpose.
  retry: { all: ['Failed', 'Canceled'], default: ['Failed'] },
};

export interface BulkServiceOptions {
  readonly registry: Registry;
  submit(submission: Submission): Promise<SubmittedJob>;
  readonly logger: Logger;
}

export function createBulkService({ registry, submit, logger }: BulkServiceOptions): BulkService {
  return {
    async submitBulk({ action, filter, caller, ...request }) {
      const stored = toStoredFilter(action, filter, caller, registry);
      const submitted = await submit({ ...request, caller, type: bulkAction, input: { action, filter: stored } });
      const { job, replayed } = submitted;
      if (!replayed && stored.caller !== job.caller)
        logger.info({ action: `${action} jobs`, caller: job.caller, jobId: job.id, owner: stored.caller }, AUDIT);
      return submitted;
    },
  };
}

function toStoredFilter(
  action: BulkActionInput['action'],
  { type, statuses, caller: wanted, tag, createdAfter, createdBefore }: JobFilter,
  caller: Caller,
  registry: Registry,
): BulkActionInput['filter'] {
  const owner = listedCaller(requireScope(caller, 'submit'), wanted);
  const given = [type, statuses, wanted, tag, createdAfter, createdBefore];
  if (given.every((member) => member === undefined))
    refuse([], 'An empty filter matches all jobs; to mean that, send the present time as createdBefore');
  if (type !== undefined && registry.get(type) === undefined) refuse(['type'], 'Unknown job type');
  const status = (statuses ?? STATUSES[action].default).filter((each) => STATUSES[action].all.includes(each));
  if (status.length === 0)
    refuse(['status'], `No job with this status can be changed: expected ${STATUSES[action].all.join(' or ')}`);
  return {
    ...(type !== undefined && { type }),
    status: [...new Set(status)],
    ...(owner !== undefined && { caller: owner }),
    ...(tag !== undefined && { tag }),
    ...(createdAfter !== undefined && { createdAfter: createdAfter.toISOString() }),
    ...(createdBefore !== undefined && { createdBefore: createdBefore.toISOString() }),
  };
}

function refuse(path: readonly string[], message: string): never {
  throw invalidInput([{ path, message }]);
}
