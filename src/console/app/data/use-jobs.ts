import { useEffect, useState } from 'preact/hooks';
import { useServer } from '../context.ts';
import { type Failure, toFailure } from './failure.ts';
import { type JobRowFragment, JobsDocument } from './generated/graphql.ts';
import { type JobFilter, toApiFilter, toQuery } from './job-filter.ts';

export type JobRow = JobRowFragment;

/** Jobs on a page of the list. */
export const PAGE_SIZE = 50;

export interface JobList {
  /** Undefined until the first page has been read. */
  readonly jobs: readonly JobRow[] | undefined;
  /** Where the next page begins; undefined on the last. */
  readonly next: string | undefined;
  readonly failure: Failure | undefined;
  /** Whether changes arrive as they happen. */
  readonly live: boolean;
}

const EMPTY: JobList = { jobs: undefined, next: undefined, failure: undefined, live: true };

/** A page of jobs, newest first, and its changes. */
export function useJobs(filter: JobFilter, after: string | undefined): JobList {
  const server = useServer();
  const [list, setList] = useState(EMPTY);
  const key = toQuery(filter, after);
  useEffect(() => {
    setList(EMPTY);
    let ended = false;
    let timer: ReturnType<typeof setTimeout>;
    const load = async (): Promise<void> => {
      try {
        const variables = { filter: toApiFilter(filter, Date.now()), first: PAGE_SIZE, after: after ?? null };
        const { jobs } = await server.query(JobsDocument, variables);
        const next = jobs.pageInfo.hasNextPage ? (jobs.pageInfo.endCursor ?? undefined) : undefined;
        if (!ended) setList({ jobs: jobs.nodes, next, failure: undefined, live: true });
      } catch (error) {
        if (!ended) setList((before) => ({ ...before, failure: toFailure(error), live: false }));
      }
      if (!ended) timer = setTimeout(() => void load(), 1000);
    };
    void load();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
    // The key stands for the filter, which is made anew for each view.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [server, key]);
  return list;
}
