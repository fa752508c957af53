import { useLocation } from 'preact-iso';
import { useMemo, useRef } from 'preact/hooks';
import { useConsole, usePaths, useSession } from '../context.ts';
import { NO_FILTER, type JobFilter, isFiltered, readFilter, toQuery } from '../data/job-filter.ts';
import { type JobList, PAGE_SIZE, useJobs } from '../data/use-jobs.ts';
import { Empty, FailureNotice, LiveState } from '../parts/notice.tsx';
import { useKeys } from '../parts/use-keys.ts';
import { useTitle } from '../parts/use-title.ts';
import { BulkActions } from './bulk-actions.tsx';
import { FilterBar } from './filter-bar.tsx';
import { JobTable, focusRow } from './job-table.tsx';

/** The jobs that the caller sees, newest first, as they change. */
export function JobsPage() {
  useTitle('Jobs');
  const paths = usePaths();
  const { session, lastList } = useConsole();
  const { query, route } = useLocation();
  const { after } = query;
  const filter = useMemo(() => readFilter(query), [query]);
  lastList.current = toQuery(filter, after);
  const list = useJobs(filter, after);
  const bar = useRef<HTMLFormElement>(null);

  useKeys({
    '/': () => bar.current?.querySelector('input')?.focus(),
    j: () => focusRow(1),
    k: () => focusRow(-1),
    ArrowDown: () => focusRow(1),
    ArrowUp: () => focusRow(-1),
  });

  const show = (changed: JobFilter): void => route(paths.jobs(toQuery(changed)), true);
  const newest = paths.jobs(toQuery(filter));
  return (
    <>
      <header class="page-head">
        <h1>Jobs</h1>
        <LiveState live={list.live} />
        {session.scopes.some((scope) => scope === 'submit' || scope === 'admin') && <BulkActions filter={filter} />}
      </header>
      <FilterBar filter={filter} onChange={show} formRef={bar} />
      {list.failure !== undefined && <FailureNotice failure={list.failure} />}
      <Content list={list} filter={filter} onClear={() => show(NO_FILTER)} />
      <nav class="pager" aria-label="Pages of the list">
        {after !== undefined && <a href={newest}>Newest</a>}
        {list.page?.next !== undefined && (
          <a href={paths.jobs(toQuery(filter, list.page.next))}>Older than these {PAGE_SIZE}</a>
        )}
      </nav>
    </>
  );
}

interface ContentProps {
  readonly list: JobList;
  readonly filter: JobFilter;
  readonly onClear: () => void;
}

function Content({ list: { page, failure }, filter, onClear }: ContentProps) {
  const paths = usePaths();
  const { jobTypes } = useSession();
  if (page === undefined) return failure === undefined ? <p class="soft loading">Loading…</p> : null;
  if (page.jobs.length > 0) return <JobTable jobs={page.jobs} />;
  if (isFiltered(filter)) {
    return (
      <Empty title="No job fits the filter">
        <p>Finished jobs are kept for a while only: the server’s retention says how long.</p>
        <button type="button" onClick={onClear}>
          Clear the filter
        </button>
      </Empty>
    );
  }
  return (
    <Empty title="No jobs yet">
      <p>A job is one accepted request for slow work. Submit one here, or through an API, and watch it run.</p>
      <p class="row">
        {jobTypes.slice(0, 3).map(({ name }) => (
          <a key={name} class="button" href={paths.submit(name)}>
            Submit {name}
          </a>
        ))}
      </p>
    </Empty>
  );
}
