import { useEffect, useState } from 'preact/hooks';
import { useServer } from '../context.ts';
import { type Failure, toFailure } from './failure.ts';
import {
  type BulkActionSubscription,
  BulkActionDocument,
  CancelJobsDocument,
  CountJobsDocument,
  type JobStatus,
  RetryJobsDocument,
} from './generated/graphql.ts';
import { type JobFilter, toApiFilter } from './job-filter.ts';
import type { Server } from './server.ts';
import { follow } from './stream.ts';

export type BulkKind = 'cancel' | 'retry';

/** The statuses that each action is about, and those without a filter by status. */
const STATUSES_OF: Readonly<
  Record<BulkKind, { readonly all: readonly JobStatus[]; readonly usual: readonly JobStatus[] }>
> = {
  cancel: { all: ['PENDING', 'RUNNING'], usual: ['PENDING', 'RUNNING'] },
  retry: { all: ['FAILED', 'CANCELED'], usual: ['FAILED'] },
};

/** The part of the filter that an action is about; undefined: it fits no job. */
export function affectedBy(kind: BulkKind, filter: JobFilter): JobFilter | undefined {
  const { all, usual } = STATUSES_OF[kind];
  const statuses = filter.statuses.length === 0 ? usual : all.filter((status) => filter.statuses.includes(status));
  return statuses.length === 0 ? undefined : { ...filter, statuses };
}

/** Pages of a hundred that are counted. */
const MAX_PAGES = 10;

export interface JobCount {
  readonly count: number;
  /** Whether there are more. */
  readonly more: boolean;
}

async function countJobs(
  server: Server,
  filter: ReturnType<typeof toApiFilter>,
  signal: AbortSignal,
): Promise<JobCount> {
  let count = 0;
  let after: string | null = null;
  for (let page = 0; page < MAX_PAGES && !signal.aborted; page += 1) {
    const {
      jobs,
    }: { jobs: { nodes: readonly object[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } } } =
      await server.query(CountJobsDocument, { filter, after });
    count += jobs.nodes.length;
    if (!jobs.pageInfo.hasNextPage) return { count, more: false };
    after = jobs.pageInfo.endCursor;
  }
  return { count, more: true };
}

export type BulkJob = BulkActionSubscription['jobUpdates'];

export interface BulkAction {
  /** How many jobs there are for it now; undefined until they are counted. */
  readonly count: JobCount | undefined;
  /** Undefined until it has begun. */
  readonly job: BulkJob | undefined;
  readonly busy: boolean;
  readonly failure: Failure | undefined;
  start(): void;
}

/** Counts the jobs of a filter, and does something with all of them. */
export function useBulkAction(kind: BulkKind, filter: JobFilter): BulkAction {
  const server = useServer();
  const [apiFilter] = useState(() => toApiFilter(filter, Date.now()));
  const [count, setCount] = useState<JobCount>();
  const [id, setId] = useState<string>();
  const [job, setJob] = useState<BulkJob>();
  const [failure, setFailure] = useState<Failure>();
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    const left = new AbortController();
    countJobs(server, apiFilter, left.signal).then(
      (counted) => left.signal.aborted || setCount(counted),
      (error: unknown) => left.signal.aborted || setFailure(toFailure(error)),
    );
    return () => left.abort();
  }, [server, apiFilter]);

  useEffect(() => {
    if (id === undefined) return undefined;
    return follow(
      server,
      BulkActionDocument,
      { id },
      {
        onValue: ({ jobUpdates }) => setJob(jobUpdates),
        onLive: () => undefined,
        onEnd: setFailure,
      },
    );
  }, [server, id]);

  async function start(): Promise<void> {
    setBusy(true);
    try {
      const variables = { filter: apiFilter };
      const begun =
        kind === 'cancel'
          ? (await server.query(CancelJobsDocument, variables)).cancelJobs
          : (await server.query(RetryJobsDocument, variables)).retryJobs;
      setFailure(undefined);
      setId(begun?.id);
    } catch (error) {
      setFailure(toFailure(error));
      setBusy(false);
    }
  }

  return { count, job, busy, failure, start: () => void start() };
}
