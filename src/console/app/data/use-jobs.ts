import { useEffect, useState } from 'preact/hooks';
import { useServer } from '../context.ts';
import { type Failure, toFailure } from './failure.ts';
import { JobChangesDocument, JobsDocument } from './generated/graphql.ts';
import { type JobFilter, toApiFilter, toQuery } from './job-filter.ts';
import { type JobPage, type JobRow, applyChanges } from './job-list.ts';
import { follow } from './stream.ts';

/** Jobs on a page of the list. */
export const PAGE_SIZE = 50;
/** From how many the list is read anew, rather than growing with each job that comes. */
const MAX_JOBS = 2 * PAGE_SIZE;
/** Milliseconds for which changes are collected, and shown at once. */
const COLLECT_MS = 100;
/** From how many changes at once the list is read anew. */
const MAX_CHANGES = 500;

export interface JobList {
  /** Undefined until the page has been read. */
  readonly page: JobPage | undefined;
  readonly failure: Failure | undefined;
  /** Whether changes arrive as they happen. */
  readonly live: boolean;
}

const EMPTY: JobList = { page: undefined, failure: undefined, live: true };

/** A page of jobs, newest first, and its changes. */
export function useJobs(filter: JobFilter, after: string | undefined): JobList {
  const server = useServer();
  const [list, setList] = useState(EMPTY);
  const key = toQuery(filter, after);
  useEffect(() => {
    setList(EMPTY);
    const view = { filter, newest: after === undefined };
    const apiFilter = toApiFilter(filter, Date.now());
    const changes = new Map<string, JobRow>();
    let left = false;
    let reading = false;
    /** How many jobs the page has grown to. */
    let shown = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;

    const flush = (): void => {
      timer = undefined;
      if (left || reading) return;
      const isMuch = changes.size > MAX_CHANGES || shown > MAX_JOBS;
      const collected = [...changes.values()];
      changes.clear();
      if (isMuch) return void read();
      setList((before) => {
        if (before.page === undefined) return before;
        const page = applyChanges(before.page, collected, view);
        shown = page.jobs.length;
        return { ...before, page };
      });
    };

    async function read(): Promise<void> {
      reading = true;
      try {
        const { jobs } = await server.query(JobsDocument, {
          filter: apiFilter,
          first: PAGE_SIZE,
          after: after ?? null,
        });
        const next = jobs.pageInfo.hasNextPage ? (jobs.pageInfo.endCursor ?? undefined) : undefined;
        shown = jobs.nodes.length;
        if (!left) setList({ page: { jobs: jobs.nodes, next }, failure: undefined, live: true });
      } catch (error) {
        if (!left) setList((before) => ({ ...before, failure: toFailure(error) }));
      }
      reading = false;
      // What changed meanwhile may not be in the reply.
      if (!left) flush();
    }

    const end = follow(
      server,
      JobChangesDocument,
      { filter: apiFilter },
      {
        onValue({ jobChanges }) {
          changes.set(jobChanges.id, jobChanges);
          timer ??= setTimeout(flush, COLLECT_MS);
        },
        onLive(live) {
          if (live) void read();
          else setList((before) => ({ ...before, live }));
        },
        onEnd: (failure) => setList((before) => ({ ...before, live: false, failure: failure ?? before.failure })),
      },
    );
    return () => {
      left = true;
      clearTimeout(timer);
      end();
    };
    // The key stands for the filter, which is made anew for each view.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [server, key]);
  return list;
}
